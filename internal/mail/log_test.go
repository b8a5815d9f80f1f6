package mail

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"hecate"
)

func TestWithoutAMailServerALetterBecomesALogLine(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	l := Letter{
		Name: "reset", To: "ada@example.com", App: "books",
		Fields: map[string]string{"uid": "MQ"}, Secret: hecate.NewSecret("the-ticket"),
	}
	if err := (Log{slog.New(slog.NewTextHandler(&out, nil))}).Send(t.Context(), l); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"letter=reset", "to=ada@example.com", "app=books", "uid=MQ", "ticket=the-ticket"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%s is not in %s", want, out.String())
		}
	}
}

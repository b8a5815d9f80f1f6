package syncano

import (
	"encoding/json"
	"strconv"
	"strings"
	"testing"
	"time"

	"hecate/internal/web"
)

func TestTextIsWrittenAsJSONReadsIt(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"", "plain", `"\/`, "tab\tline\nreturn\r", "\x01\x1f\x7f", "zażółć <b>&amp;</b> 漢字 🚪", "\u2028", strings.Repeat("é\"", 50)} {
		raw := web.AppendText(nil, s)
		var back string
		if err := json.Unmarshal(raw, &back); err != nil || back != s {
			t.Errorf("%q became %s (%v)", s, raw, err)
		}
		if strings.Contains(s, "漢") && !strings.Contains(string(raw), "zażółć <b>&amp;</b> 漢字 🚪") {
			t.Errorf("escaped needlessly: %s", raw)
		}
	}
	if got := string(web.AppendText(nil, "a\xffb")); got != `"a\ufffdb"` {
		t.Errorf("invalid UTF-8 became %s", got)
	}
}

func TestMomentsHaveSixDigits(t *testing.T) {
	t.Parallel()
	for want, at := range map[string]time.Time{
		`"2024-02-29T23:59:59.000000Z"`: time.Date(2024, 2, 29, 23, 59, 59, 0, time.UTC),
		`"2024-02-29T23:59:59.000001Z"`: time.Date(2024, 3, 1, 1, 59, 59, 1999, time.FixedZone("", 7200)),
		`"0099-01-02T03:04:05.120000Z"`: time.Date(99, 1, 2, 3, 4, 5, 120_000_000, time.UTC),
	} {
		if got := string(appendTime(nil, at)); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

func TestPickingFields(t *testing.T) {
	t.Parallel()
	const user = `{"id":1,"username":"a\",{","profile":{"id":2,"links":{"self":"/x/"}},"groups":[{"id":3,"label":"]"},{"id":4,"label":""}],"links":{"self":"/y/"}}`
	for _, row := range []struct{ fields, excluded, want string }{
		{"id", "", `{"id":1}`},
		{"id,username", "", `{"id":1,"username":"a\",{"}`},
		{"id,groups", "", `{"id":1,"groups":[{"id":3},{"id":4}]}`},
		{"id,profile,links", "", `{"id":1,"profile":{"id":2,"links":{"self":"/x/"}},"links":{"self":"/y/"}}`},
		{"", "links,label", `{"id":1,"username":"a\",{","profile":{"id":2},"groups":[{"id":3},{"id":4}]}`},
		{"id,links", "links", `{"id":1}`},
		{"nothing", "", `{}`},
		{" id , ", "", `{"id":1}`},
	} {
		p := &pick{names(row.fields), names(row.excluded)}
		if got := string(p.appendObject(nil, []byte(user), userNest)); got != row.want {
			t.Errorf("fields=%s excluded_fields=%s: %s", row.fields, row.excluded, got)
		}
	}
	if many := names(strings.Repeat("a,", 10) + manyNames(100)); len(many) != maxPicks {
		t.Errorf("%d entries are kept", len(many))
	}
}

func manyNames(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString("n" + strconv.Itoa(i) + ",")
	}
	return b.String()
}

func TestEmptyListsKeepTheirCommas(t *testing.T) {
	t.Parallel()
	j := newJSON(nil)
	j.Open()
	j.Value("metadata", map[string]any(nil))
	j.Value("other", map[string]any{"b": json.Number("1.50"), "a": "<&>"})
	j.Name("list")
	j.OpenList()
	j.TextItem("x:")
	j.TextItem("y{")
	j.OpenList()
	j.CloseList()
	j.CloseList()
	j.textOrNull("none", "")
	j.Close()
	if want := `{"metadata":{},"other":{"a":"<&>","b":1.50},"list":["x:","y{",[]],"none":null}`; string(j.Buf) != want {
		t.Errorf("%s", j.Buf)
	}
}

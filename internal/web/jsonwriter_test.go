package web

import (
	"encoding/json"
	"math"
	"reflect"
	"testing"
	"time"
)

func TestJSONWriter(t *testing.T) {
	t.Parallel()
	t.Run("commas stand between members and items, and nowhere else", func(t *testing.T) {
		var j JSONWriter
		j.Open()
		j.Text("name", "books")
		j.Int("size", -3)
		j.Bool("open", true)
		j.Null("owner")
		j.Name("links")
		j.Open()
		j.Raw("self", []byte(`"/books/"`))
		j.Close()
		j.Name("rows")
		j.OpenList()
		j.TextItem("a")
		j.RawItem([]byte(`[]`))
		j.OpenList()
		j.CloseList()
		j.Open()
		j.Close()
		j.TextItem("")
		j.CloseList()
		j.Value("more", map[string]any{"b": []any{1, nil}, "a": []string{}})
		j.Close()
		want := `{"name":"books","size":-3,"open":true,"owner":null,"links":{"self":"/books/"},` +
			`"rows":["a",[],[],{},""],"more":{"a":[],"b":[1,null]}}`
		if string(j.Buf) != want {
			t.Errorf("got  %s\nwant %s", j.Buf, want)
		}
	})
	t.Run("a text that ends like a bracket is followed by a comma", func(t *testing.T) {
		j := JSONWriter{Buf: []byte("[")}
		for _, text := range []string{"[", "{", ":", ","} {
			j.TextItem(text)
		}
		j.CloseList()
		if want := `["[","{",":",","]`; string(j.Buf) != want {
			t.Errorf("got %s, want %s", j.Buf, want)
		}
	})
	t.Run("a page's characters are escaped in names, texts, items and values, where that is wanted", func(t *testing.T) {
		for page, want := range map[bool]string{
			false: `{"<a>":"&","b":["</b>"],"c":{"<":[">",["&"]]}}`,
			true:  `{"\u003ca\u003e":"\u0026","b":["\u003c/b\u003e"],"c":{"\u003c":["\u003e",["\u0026"]]}}`,
		} {
			j := JSONWriter{Page: page}
			j.Open()
			j.Text("<a>", "&")
			j.Name("b")
			j.OpenList()
			j.TextItem("</b>")
			j.CloseList()
			j.Value("c", map[string]any{"<": []any{">", []string{"&"}}})
			j.Close()
			if string(j.Buf) != want {
				t.Errorf("page %v: got %s, want %s", page, j.Buf, want)
			}
		}
	})
}

func TestAppendJSON(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 22, 21, 0, 1, 120_000_000, time.FixedZone("east", 3600))
	for _, row := range []struct {
		value any
		want  string
	}{
		{nil, `null`}, {true, `true`}, {7, `7`}, {int64(-1 << 62), `-4611686018427387904`},
		{1.5, `1.5`}, {1e21, `1e+21`}, {math.NaN(), `null`}, {math.Inf(1), `null`},
		{json.Number("12345678901234567890"), `12345678901234567890`}, {json.RawMessage(`{"a":1}`), `{"a":1}`},
		{at, `"2026-11-22T20:00:01.12Z"`}, {at.Truncate(time.Second), `"2026-11-22T20:00:01Z"`},
		{[]any{}, `[]`}, {[]any(nil), `[]`}, {map[string]any{}, `{}`},
		{struct{ A string }{"<"}, `{"A":"<"}`},
	} {
		if got := string(AppendJSON(nil, row.value)); got != row.want {
			t.Errorf("%#v: got %s, want %s", row.value, got, row.want)
		}
	}
}

func TestAppendText(t *testing.T) {
	t.Parallel()
	if got, want := string(AppendText(nil, "\xff\"\\\n\r\t\x00\x1fé<")), `"\ufffd\"\\\n\r\t\u0000\u001fé<"`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// FuzzAppendJSON: what is written reads back as what it was, and as encoding/json would have written it.
func FuzzAppendJSON(f *testing.F) {
	f.Add(`{"a":[1,"<\u2028\u0000",null,{"b":true}],"é":"\ud83d\ude00"}`)
	f.Fuzz(func(t *testing.T, text string) {
		var value any
		if json.Unmarshal([]byte(text), &value) != nil {
			return
		}
		for _, written := range [][]byte{AppendJSON(nil, value), AppendPageJSON(nil, value)} {
			var back any
			if err := json.Unmarshal(written, &back); err != nil {
				t.Fatalf("%s: %v", written, err)
			}
			if !reflect.DeepEqual(back, value) {
				t.Fatalf("%s reads back as %v", written, back)
			}
		}
	})
}

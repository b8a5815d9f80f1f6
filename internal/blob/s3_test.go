package blob

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// A bucket gives its objects in pages; a listing follows them.
func TestS3ListsPageAfterPage(t *testing.T) {
	t.Parallel()
	const at = "2026-11-21T08:00:00.000Z"
	object := func(key string) string {
		return "<Contents><Key>" + key + "</Key><LastModified>" + at + "</LastModified><Size>1</Size></Contents>"
	}
	page := func(truncated bool, next string, keys ...string) string {
		var b strings.Builder
		fmt.Fprintf(&b, "<ListBucketResult><Name>files</Name><IsTruncated>%v</IsTruncated><NextContinuationToken>%s</NextContinuationToken>", truncated, next)
		for _, key := range keys {
			b.WriteString(object(key))
		}
		return b.String() + "</ListBucketResult>"
	}
	bucket := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/xml")
		switch q := r.URL.Query(); {
		case r.URL.Path != "/files/":
			http.NotFound(w, r)
		case r.Method == http.MethodHead:
		case q.Get("list-type") != "2":
			http.Error(w, "no listing", http.StatusBadRequest)
		case q.Get("continuation-token") == "more":
			_, _ = w.Write([]byte(page(false, "", "b/1")))
		default:
			_, _ = w.Write([]byte(page(true, "more", "a/1", "Somebody's notes.txt", "a/2")))
		}
	}))
	defer bucket.Close()
	s, err := OpenS3(t.Context(), "s3+http://key:secret@"+strings.TrimPrefix(bucket.URL, "http://")+"/files?region=us-east-1")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for b, err := range s.All(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if b.StoredAt.UTC().Format(time.RFC3339) != "2026-11-21T08:00:00Z" {
			t.Errorf("%+v", b)
		}
		names = append(names, b.Name)
	}
	if got := strings.Join(names, " "); got != "a/1 a/2 b/1" {
		t.Errorf("listed %s", got)
	}
	bucket.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond) // the client would try again and again
	defer cancel()
	var last error
	for _, err := range s.All(ctx) {
		last = err
	}
	if last == nil {
		t.Error("a bucket that does not answer is listed")
	}
}

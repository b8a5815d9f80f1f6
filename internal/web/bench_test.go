package web

import (
	"bytes"
	"io"
	"log/slog"
	"net"
	"net/http"
	"testing"
)

var helloBytes = []byte(`{"id":17,"username":"ann","links":{"self":"/v1.1/instances/books/users/17/"}}` + "\n")

func bareHandler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		_, _ = w.Write(helloBytes)
	})
}

func benchMux(b *testing.B) http.Handler {
	return newMux(b, MuxConfig{CORS: &CORS{}}, Get("/v1.1/instances/{instance}/user/", key, func(w *Response, r *Request, _ caller) error {
		w.SetType("application/json; charset=utf-8")
		return w.Bytes(200, helloBytes)
	}))
}

// discard is the cheapest ResponseWriter.
type discard struct{ h http.Header }

func (d *discard) Header() http.Header         { return d.h }
func (d *discard) WriteHeader(int)             {}
func (d *discard) Write(p []byte) (int, error) { return len(p), nil }

func benchHandler(b *testing.B, h http.Handler) {
	req, _ := http.NewRequest("GET", "/v1.1/instances/books/user/?page_size=7", nil)
	req.Header.Set("X-Api-Key", "good")
	req.RequestURI, req.RemoteAddr = req.URL.RequestURI(), "127.0.0.1:4711"
	w := &discard{http.Header{}}
	b.ReportAllocs()
	for b.Loop() {
		clear(w.h)
		h.ServeHTTP(w, req)
	}
}

func BenchmarkHandlerBare(b *testing.B) { benchHandler(b, bareHandler()) }
func BenchmarkHandlerMux(b *testing.B)  { benchHandler(b, benchMux(b)) }
func BenchmarkHandlerMuxAndAccess(b *testing.B) {
	buffer := NewLogBuffer(io.Discard, 0)
	defer buffer.Close()
	benchHandler(b, NewObserver(Observation{Access: buffer}).Observe(benchMux(b)))
}
func BenchmarkHandlerMuxAndLog(b *testing.B) {
	buffer := NewLogBuffer(io.Discard, 0)
	defer buffer.Close()
	benchHandler(b, NewObserver(Observation{Log: slog.New(slog.NewJSONHandler(buffer, nil))}).Observe(benchMux(b)))
}

// benchSocket measures one keep-alive connection, with a client that costs as little as possible.
func benchSocket(b *testing.B, url string) {
	conn, err := net.Dial("tcp", url[len("http://"):])
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close()
	request := []byte("GET /v1.1/instances/books/user/ HTTP/1.1\r\nHost: x\r\nX-Api-Key: good\r\nAccept: */*\r\nUser-Agent: bench\r\n\r\n")
	in := make([]byte, 4096)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := conn.Write(request); err != nil {
			b.Fatal(err)
		}
		for n := 0; !bytes.HasSuffix(in[:n], helloBytes); {
			m, err := conn.Read(in[n:])
			if err != nil {
				b.Fatal(err)
			}
			n += m
		}
	}
}

func BenchmarkSocketBare(b *testing.B) { benchSocket(b, serve(b, bareHandler()).URL) }
func BenchmarkSocketServe(b *testing.B) {
	buffer := NewLogBuffer(io.Discard, 0)
	defer buffer.Close()
	url, stop := start(b, Config{Handler: benchMux(b), Access: buffer})
	defer stop()
	benchSocket(b, url)
}

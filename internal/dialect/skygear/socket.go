package skygear

import (
	"bufio"
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"hecate/internal/web"
)

// The server's half of RFC 6455, as far as short text messages need it: no extensions, no fragments on the way out.

const (
	socketGUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
	pingEvery  = 50 * time.Second
	quietTime  = 2 * time.Minute // without any frame, pongs included
	writeTime  = 10 * time.Second
)

// The kinds of frame.
const (
	opContinuation = 0x0
	opText         = 0x1
	opBinary       = 0x2
	opClose        = 0x8
	opPing         = 0x9
	opPong         = 0xA
)

// socketKey checks that the request wants a WebSocket.
func socketKey(r *web.Request) (string, error) {
	key := r.Header.Get("Sec-WebSocket-Key")
	raw, err := base64.StdEncoding.DecodeString(key)
	if err != nil || len(raw) != 16 || r.Header.Get("Sec-WebSocket-Version") != "13" ||
		!hasToken(r.Header.Get("Connection"), "upgrade") || !hasToken(r.Header.Get("Upgrade"), "websocket") {
		return "", fail(badRequest, "a WebSocket is opened here")
	}
	return key, nil
}

func hasToken(header, token string) bool {
	for part := range strings.SplitSeq(header, ",") {
		if strings.EqualFold(strings.TrimSpace(part), token) {
			return true
		}
	}
	return false
}

// socket is an open one. receive runs in one goroutine, send in another; both write.
type socket struct {
	conn net.Conn
	in   *bufio.Reader
	mu   sync.Mutex // of writing
}

// openSocket answers the handshake and takes the connection over.
func openSocket(w *web.Response, key string) (*socket, error) {
	sum := sha1.Sum([]byte(key + socketGUID))
	h := w.Header()
	h["Upgrade"], h["Connection"] = []string{"websocket"}, []string{"Upgrade"}
	h["Sec-WebSocket-Accept"] = []string{base64.StdEncoding.EncodeToString(sum[:])}
	var head strings.Builder
	head.WriteString("HTTP/1.1 101 Switching Protocols\r\n")
	if err := h.Write(&head); err != nil {
		return nil, err
	}
	head.WriteString("\r\n")
	conn, buffered, err := http.NewResponseController(w).Hijack()
	if errors.Is(err, http.ErrNotSupported) {
		return nil, fail(badRequest, "a WebSocket needs HTTP/1.1")
	}
	if err != nil {
		return nil, err
	}
	s := &socket{conn: conn, in: buffered.Reader}
	if err := s.write([]byte(head.String())); err != nil {
		// The client is gone, which is nobody's fault; receive will find that out.
		_ = conn.Close()
	}
	return s, nil
}

func (s *socket) write(b []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.conn.SetWriteDeadline(time.Now().Add(writeTime)); err != nil {
		return err
	}
	_, err := s.conn.Write(b)
	return err
}

// frame sends one frame.
func (s *socket) frame(op byte, payload []byte) error {
	b := make([]byte, 0, len(payload)+10)
	b = append(b, 0x80|op)
	switch n := len(payload); {
	case n < 126:
		b = append(b, byte(n))
	case n <= 0xffff:
		b = binary.BigEndian.AppendUint16(append(b, 126), uint16(n))
	default:
		b = binary.BigEndian.AppendUint64(append(b, 127), uint64(n))
	}
	return s.write(append(b, payload...))
}

// send sends what is queued, and pings, until the queue is closed or nobody takes it.
func (s *socket) send(queue <-chan []byte) {
	ping := time.NewTicker(pingEvery)
	defer ping.Stop()
	for {
		var err error
		select {
		case text, open := <-queue:
			if !open {
				return
			}
			err = s.frame(opText, text)
		case <-ping.C:
			err = s.frame(opPing, nil)
		}
		if err != nil {
			_ = s.conn.Close() // receive ends by it
			return
		}
	}
}

// receive hands each message to take, until take says false or the peer is done.
func (s *socket) receive(take func(text []byte) bool) {
	var message []byte
	for {
		op, payload, final, err := s.next(maxMessage - len(message))
		if err != nil {
			return
		}
		switch op {
		case opClose:
			_ = s.frame(opClose, payload[:min(len(payload), 2)]) // the last word; nobody need hear it
			return
		case opPing:
			if s.frame(opPong, payload) != nil {
				return
			}
		case opText, opBinary, opContinuation:
			if message = append(message, payload...); !final {
				continue
			}
			if !take(message) {
				return
			}
			message = nil
		}
	}
}

var errFrame = errors.New("skygear: a frame that no client may send")

// next reads one frame of at most so many bytes.
func (s *socket) next(most int) (op byte, payload []byte, final bool, err error) {
	if err := s.conn.SetReadDeadline(time.Now().Add(quietTime)); err != nil {
		return 0, nil, false, err
	}
	var head [2]byte
	if _, err := io.ReadFull(s.in, head[:]); err != nil {
		return 0, nil, false, err
	}
	op, final = head[0]&0x0f, head[0]&0x80 != 0
	size, err := s.size(head[1] & 0x7f)
	if err != nil {
		return 0, nil, false, err
	}
	control, masked, extended := op >= opClose, head[1]&0x80 != 0, head[0]&0x70 != 0
	if !masked || extended || !control && size > uint64(max(most, 0)) || control && (size > 125 || !final) {
		return 0, nil, false, errFrame
	}
	payload = make([]byte, 4+size)
	if _, err := io.ReadFull(s.in, payload); err != nil {
		return 0, nil, false, err
	}
	mask, payload := payload[:4], payload[4:]
	for i := range payload {
		payload[i] ^= mask[i&3]
	}
	return op, payload, final, nil
}

// size reads the rest of a frame's size.
func (s *socket) size(short byte) (uint64, error) {
	var b [8]byte
	switch short {
	case 126:
		_, err := io.ReadFull(s.in, b[6:])
		return binary.BigEndian.Uint64(b[:]), err
	case 127:
		_, err := io.ReadFull(s.in, b[:])
		return binary.BigEndian.Uint64(b[:]), err
	}
	return uint64(short), nil
}

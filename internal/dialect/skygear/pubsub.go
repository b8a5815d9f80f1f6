package skygear

import (
	"encoding/json"
	"sync"

	"hecate"
	"hecate/internal/web"
)

// Messages between the clients of one app: whoever holds an API key of it may publish to and hear every channel, as in the original
// (contracts/skygear.md 6). They reach the clients of this process, and nobody keeps them.

const (
	maxSockets  = 10_000 // open at a time
	maxChannels = 100    // of one socket
	maxChannel  = 256    // bytes of a channel's name
	maxMessage  = 64 << 10
	queueLength = 64 // messages that a socket may be behind before it is closed
)

// hub knows who hears what.
type hub struct {
	mu       sync.Mutex
	sockets  int
	channels map[channel]map[*listener]bool
}

type channel struct {
	app      hecate.AppID
	internal bool // of the client library itself, at /_/pubsub
	name     string
}

// listener is one open socket.
type listener struct {
	app      hecate.AppID
	internal bool
	queue    chan []byte // closed by leave
	heard    map[string]bool
	slow     bool   // its queue was full: it ends
	hangUp   func() // ends its connection; must not wait
}

// join makes a listener; nil where there are too many.
func (h *hub) join(app hecate.AppID, internal bool) *listener {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.sockets >= maxSockets {
		return nil
	}
	h.sockets++
	return &listener{app: app, internal: internal, queue: make(chan []byte, queueLength), heard: map[string]bool{}, hangUp: func() {}}
}

// leave ends a listener.
func (h *hub) leave(l *listener) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for name := range l.heard {
		h.drop(l, name)
	}
	h.sockets--
	close(l.queue)
}

func (h *hub) drop(l *listener, name string) {
	key := channel{l.app, l.internal, name}
	delete(h.channels[key], l)
	if len(h.channels[key]) == 0 {
		delete(h.channels, key)
	}
	delete(l.heard, name)
}

// frame is what a client sends, and in part what it hears.
type frame struct {
	Action  string          `json:"action,omitempty"`
	Channel string          `json:"channel"`
	Data    json.RawMessage `json:"data,omitempty"`
}

// take does what a client asks for; false ends the socket.
func (h *hub) take(l *listener, text []byte) bool {
	var f frame
	if json.Unmarshal(text, &f) != nil || len(f.Channel) > maxChannel {
		return true // the original ignored what it could not read
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	switch f.Action {
	case "sub":
		return h.subscribe(l, f.Channel)
	case "unsub":
		h.drop(l, f.Channel)
	case "pub":
		h.publish(channel{l.app, l.internal, f.Channel}, f)
	}
	return !l.slow
}

func (h *hub) subscribe(l *listener, name string) bool {
	if !l.heard[name] && len(l.heard) >= maxChannels {
		return false
	}
	l.heard[name] = true
	key := channel{l.app, l.internal, name}
	if h.channels == nil {
		h.channels = map[channel]map[*listener]bool{}
	}
	if h.channels[key] == nil {
		h.channels[key] = map[*listener]bool{}
	}
	h.channels[key][l] = true
	return true
}

// publish hands a message to everybody who hears the channel, its sender among them. Nobody waits for those who are slow.
func (h *hub) publish(key channel, f frame) {
	text, err := json.Marshal(frame{Channel: f.Channel, Data: f.Data})
	if err != nil {
		return // of text that was just read: cannot fail
	}
	for l := range h.channels[key] {
		select {
		case l.queue <- text:
		default:
			l.slow = true
			l.hangUp()
		}
	}
}

// pubsub opens a socket and serves it until it ends.
func (a *api) pubsub(w *web.Response, r *web.Request, c *call) error {
	key, err := socketKey(r)
	if err != nil {
		return err
	}
	l := a.hub.join(c.app.ID, r.URL.Path != "/pubsub")
	if l == nil {
		return hecate.E(hecate.TooMany, "open socket").Says("too many sockets")
	}
	s, err := openSocket(w, key)
	if err != nil {
		a.hub.leave(l)
		return err
	}
	l.hangUp = func() { _ = s.conn.Close() } // nothing hears it yet, so nobody else looks at it
	var sending sync.WaitGroup
	sending.Go(func() { s.send(l.queue) })
	s.receive(func(text []byte) bool { return a.hub.take(l, text) })
	a.hub.leave(l)
	sending.Wait()
	// A peer that is gone has nothing to be told.
	_ = s.conn.Close()
	return nil
}

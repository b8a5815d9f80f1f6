package usergrid

import (
	"encoding/base64"
	"errors"
	"slices"
	"strings"
	"time"

	"hecate"
	"hecate/internal/engine"
	"hecate/internal/web"
)

// credentialsOf writes a client's id and secret as the answers of contracts/usergrid.md 4.9 show them.
func credentialsOf(c *hecate.Client) raw {
	var j web.JSONWriter
	j.Open()
	j.Text("client_id", c.Public)
	j.Text("client_secret", c.Secret.Reveal())
	j.Close()
	return raw(j.Buf)
}

// appCredentials shows the application's client.
func (a *api) appCredentials(w *web.Response, r *web.Request, c *call) error {
	client, err := a.engine.Client(r.Context(), c.actor, hecate.Client{App: c.app.ID})
	if err != nil {
		return unlessSeen(err)
	}
	return a.answer(w, r, c, reply{action: "get application keys", status: "ok", credentials: credentialsOf(client), bare: true})
}

// newAppCredentials gives it another secret; the old one is dead at once, tokens stay (contracts/usergrid.md 3.2).
func (a *api) newAppCredentials(w *web.Response, r *web.Request, c *call) error {
	client, err := a.engine.SetClient(r.Context(), c.actor, hecate.Client{App: c.app.ID})
	if err != nil {
		return unlessSeen(err)
	}
	return a.answer(w, r, c, reply{action: "generate application keys", status: "ok", credentials: credentialsOf(client), bare: true})
}

// unlessSeen turns the NotFound of somebody without a place in the application into a refusal.
func unlessSeen(err error) error {
	if errors.Is(err, hecate.NotFound) {
		return unauthorized("").because(err)
	}
	return err
}

// serving lets in the operator alone.
func (a *api) serving() web.Security[*call] {
	return web.Require("service admin", func(r *web.Request) (*call, error) {
		c, err := a.identified(r)
		if err != nil {
			return nil, err
		}
		if c.actor.Kind != hecate.SystemActor {
			return nil, unauthorized("No system access authorized")
		}
		return c, nil
	})
}

// passwordRecord is a stored password as the old server exports it: contracts/usergrid.md 5.
type passwordRecord struct {
	steps  []string
	secret string // base64url, or the clear text of a recoverable record
}

// userCredentials exports the stored password of a user, where another server could verify it: what was
// imported and not used since. Hecate's own hashes are keyed, no record of this form can hold them.
func (a *api) userCredentials(w *web.Response, r *web.Request, c *call) error {
	u, err := a.user(r.Context(), c, r.PathValue("user"))
	if err != nil {
		return err
	}
	hash, since, err := a.engine.ExportPassword(r.Context(), c.actor, engine.UserRef{ID: u.ID})
	if errors.Is(err, hecate.Unsupported) {
		return notImplemented("the password was hashed here, with a key of this server: no other server could verify it")
	}
	if err != nil {
		return err
	}
	record, ok := recordOf(hash)
	if !ok {
		return notImplemented("the stored form of the password has no export")
	}
	return a.answer(w, r, c, reply{action: "get user credentials", path: "/users", credentials: record.json(since)})
}

// setUserCredentials installs a password that another server exported.
func (a *api) setUserCredentials(w *web.Response, r *web.Request, c *call) error {
	p, err := readPayload(r)
	if err != nil {
		return err
	}
	object, _ := p.object["credentials"].(map[string]any)
	if object == nil {
		return illegalArgument("credentials are required")
	}
	record, err := readRecord(object)
	if err != nil {
		return err
	}
	u, err := a.user(r.Context(), c, r.PathValue("user"))
	if err != nil {
		return err
	}
	ref := engine.UserRef{ID: u.ID}
	if clear, ok := record.clear(); ok {
		// A stored clear password is never kept as one: it is hashed like any other.
		err = a.engine.ChangePasswordOf(r.Context(), c.actor, ref, engine.PasswordChange{New: hecate.NewSecret(clear), MinPassword: 1})
	} else {
		err = a.engine.ImportPassword(r.Context(), c.actor, ref, record.hash())
	}
	if err != nil {
		return err
	}
	return a.answer(w, r, c, reply{action: "set user credentials", path: "/users"})
}

// readRecord reads an exported record; without a chain its legacy keys say one.
func readRecord(object map[string]any) (passwordRecord, error) {
	p := payload{object: object}
	record := passwordRecord{secret: p.text("secret")}
	if record.secret == "" {
		return record, illegalArgument("credentials.secret is required")
	}
	switch chain := object["cryptoChain"].(type) {
	case []any:
		for _, step := range chain {
			name, _ := step.(string)
			record.steps = append(record.steps, strings.ToLower(name))
		}
	case nil:
		for _, name := range []string{p.text("hashType"), p.text("cipher")} {
			if name != "" {
				record.steps = append(record.steps, strings.ToLower(name))
			}
		}
	}
	if len(record.steps) == 0 || slices.ContainsFunc(record.steps, func(s string) bool { return s == "" || strings.ContainsAny(s, ",$") }) {
		return record, illegalArgument("credentials.cryptoChain is required")
	}
	if recoverable, _ := object["recoverable"].(bool); recoverable && !record.plain() {
		return record, illegalArgument("a recoverable record is in plaintext")
	} else if recoverable {
		record.secret = base64.RawURLEncoding.EncodeToString([]byte(record.secret))
	}
	return record, nil
}

// plain reports whether the record holds the password itself.
func (p passwordRecord) plain() bool {
	return !slices.ContainsFunc(p.steps, func(step string) bool { return step != "plaintext" })
}

// clear is the password that a record in plaintext holds.
func (p passwordRecord) clear() (string, bool) {
	if !p.plain() {
		return "", false
	}
	text, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(p.secret, "="))
	return string(text), err == nil && len(text) > 0
}

// chainMark begins stored passwords of the old server's form.
const chainMark = "chain$"

// hash is the record as it is stored here; what it cannot be, the engine refuses.
func (p passwordRecord) hash() string {
	return chainMark + strings.Join(p.steps, ",") + "$" + p.secret
}

// recordOf reads a stored password that came from elsewhere.
func recordOf(hash string) (passwordRecord, bool) {
	rest, chained := strings.CutPrefix(hash, chainMark)
	if !chained { // bcrypt's own text
		return passwordRecord{steps: []string{"bcrypt"}, secret: base64.RawURLEncoding.EncodeToString([]byte(hash))}, true
	}
	steps, secret, _ := strings.Cut(rest, "$")
	secret, _, salted := strings.Cut(secret, "$")
	return passwordRecord{steps: strings.Split(steps, ","), secret: strings.TrimRight(secret, "=")}, !salted
}

// json is the record as it is exported.
func (p passwordRecord) json(since time.Time) raw {
	var j web.JSONWriter
	j.Open()
	j.Bool("recoverable", false)
	j.Bool("encrypted", true)
	j.Text("secret", p.secret)
	if !since.IsZero() {
		j.Int("created", since.UnixMilli())
	}
	j.Value("cryptoChain", p.steps)
	j.Close()
	return raw(j.Buf)
}

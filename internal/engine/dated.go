package engine

import (
	"crypto/hmac"
	"encoding/base64"
	"encoding/binary"
	"io"
	"math"
	"strings"

	"hecate"
)

// A dated token says itself when it ends, and carries a keyed sum over that: what was never issued here and what is past
// its time is told without a look at the store. The stored session decides about the rest. Its form, a tag in base64 and
// the base64 of 16 random bytes, 8 of the end in milliseconds and 20 of the sum, is that of contracts/usergrid.md 3.4.
const (
	datedTag    = "YWMt" // "ac-"
	datedRandom = 16
	datedStated = datedRandom + 8
	datedSize   = datedStated + 20
)

// datedText is strict, so that one token has exactly one text.
var datedText = base64.RawURLEncoding.Strict()

// What the sum is keyed for: a token of an app is told from one of the server, so that it is refused outside of apps as
// what it is.
const (
	datedServer = "dated token"
	datedApp    = "dated token of an app"
)

// datedToken makes the token of a session.
func (e *Engine) datedToken(s *hecate.Session) (hecate.Secret, error) {
	raw := make([]byte, datedRandom, datedSize)
	if _, err := io.ReadFull(e.rand, raw); err != nil {
		return hecate.Secret{}, err
	}
	end := int64(math.MaxInt64)
	if !s.ExpiresAt.IsZero() {
		end = s.ExpiresAt.UnixMilli()
	}
	use := datedServer
	if s.App != "" {
		use = datedApp
	}
	raw = binary.BigEndian.AppendUint64(raw, uint64(end))
	raw = append(raw, e.datedSum(use, raw)...)
	return hecate.NewSecret(datedTag + datedText.EncodeToString(raw)), nil
}

func (e *Engine) datedSum(use string, stated []byte) []byte {
	return e.keys.Sign(use, stated)[:datedSize-datedStated]
}

// InspectToken looks at a token of the kinds that say something themselves, dated ones and the signed ones of an app
// (nil: outside apps), without a query; whether its session is there is not its question. Kinds: Malformed for
// one that this server did not make, Expired, Forbidden outside apps for one of an app.
func (e *Engine) InspectToken(app *hecate.App, token hecate.Secret) error {
	const op = "inspect token"
	text := token.Reveal()
	if strings.Count(text, ".") == 2 {
		if app == nil || e.checkSigned(app.ID, token) != nil {
			return hecate.E(hecate.Malformed, op)
		}
		return nil
	}
	body, tagged := strings.CutPrefix(text, datedTag)
	if !tagged || len(body) != datedText.EncodedLen(datedSize) {
		return hecate.E(hecate.Malformed, op)
	}
	raw, err := datedText.DecodeString(body)
	if err != nil {
		return hecate.E(hecate.Malformed, op)
	}
	stated, sum := raw[:datedStated], raw[datedStated:]
	ofApp := hmac.Equal(sum, e.datedSum(datedApp, stated))
	if !ofApp && !hmac.Equal(sum, e.datedSum(datedServer, stated)) {
		return hecate.E(hecate.Malformed, op)
	}
	if end := int64(binary.BigEndian.Uint64(raw[datedRandom:datedStated])); e.now().UnixMilli() >= end {
		return hecate.E(hecate.Expired, op)
	}
	if app == nil && ofApp {
		return hecate.E(hecate.Forbidden, op)
	}
	return nil
}

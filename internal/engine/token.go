package engine

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"hecate"
)

// A signed token is a JWT (RFC 7519) that says whose session it is. The session itself decides: a token counts
// only while its session is stored, so that logout and password changes really end it.
//
// Its key serves one app for one month, and is named by "kid": what leaks of one is of no use for the next.

// tokenKeyPeriod is the form of kid: the month in which the token was issued.
const tokenKeyPeriod = "2006-01"

func (e *Engine) tokenKey(app hecate.AppID, kid string) []byte {
	return e.keys.Sign("session token", []byte(string(app)+"/"+kid))
}

// signedToken makes the token of a session, which says more as well.
func (e *Engine) signedToken(app *hecate.App, u *hecate.User, s *hecate.Session, more furtherClaims) (hecate.Secret, error) {
	kid := s.IssuedAt.UTC().Format(tokenKeyPeriod)
	key := jose.SigningKey{Algorithm: jose.HS256, Key: e.tokenKey(app.ID, kid)}
	signer, err := jose.NewSigner(key, (&jose.SignerOptions{}).WithType("JWT").WithHeader("kid", kid))
	if err != nil {
		return hecate.Secret{}, err
	}
	claims := jwt.Claims{ID: string(s.ID), Issuer: app.Name, Subject: u.Key, IssuedAt: jwt.NewNumericDate(s.IssuedAt)}
	if !s.ExpiresAt.IsZero() {
		claims.Expiry = jwt.NewNumericDate(s.ExpiresAt)
	}
	text, err := jwt.Signed(signer).Claims(claims).Claims(more).Serialize()
	return hecate.NewSecret(text), err
}

// checkSigned refuses a token that has the form of a signed one and is none of this app's. Kinds: BadToken.
func (e *Engine) checkSigned(app hecate.AppID, token hecate.Secret) error {
	_, _, err := e.readSigned(app, token)
	return err
}

// readSigned reads a signed token of an app; nil for one that has not that form. Kinds: BadToken.
func (e *Engine) readSigned(app hecate.AppID, token hecate.Secret) (*jwt.Claims, furtherClaims, error) {
	var more furtherClaims
	text := token.Reveal()
	if strings.Count(text, ".") != 2 {
		return nil, more, nil // an opaque one: the stored session says all
	}
	bad := hecate.E(hecate.BadToken, "authenticate")
	t, err := jwt.ParseSigned(text, []jose.SignatureAlgorithm{jose.HS256})
	if err != nil || len(t.Headers) != 1 {
		return nil, more, bad
	}
	var c jwt.Claims
	kid := t.Headers[0].KeyID
	if t.Claims(e.tokenKey(app, kid), &c, &more) != nil || c.IssuedAt == nil || c.IssuedAt.Time().UTC().Format(tokenKeyPeriod) != kid {
		return nil, more, bad
	}
	return &c, more, nil
}

// hmacs are the algorithms with which an app's own server may sign.
var hmacs = []jose.SignatureAlgorithm{jose.HS256, jose.HS384, jose.HS512}

// Claims are what a signed token of the app's own server says.
type Claims struct {
	Subject   string
	IssuedAt  time.Time
	ExpiresAt time.Time
	Raw       []byte // all claims, as JSON
}

// VerifyClaims checks a token that the app's own server signed with HMAC (HS256, HS384, HS512) and a shared secret. Kinds: Malformed for
// one that cannot be read, is signed otherwise, has expired or is not valid yet; BadToken on
// "sub", "exp" or "iat" where that claim is missing; Unsupported without a secret.
func (e *Engine) VerifyClaims(token string, shared hecate.Secret) (*Claims, error) {
	const op = "verify claims"
	if shared.IsZero() {
		return nil, hecate.E(hecate.Unsupported, op).Says("no shared secret is set")
	}
	t, err := jwt.ParseSigned(token, hmacs)
	if err != nil {
		return nil, hecate.E(hecate.Malformed, op).On("token").Because(err)
	}
	var c jwt.Claims
	var raw json.RawMessage
	if err := t.Claims(paddedKey(shared), &c, &raw); err != nil {
		return nil, hecate.E(hecate.Malformed, op).On("token").Because(err)
	}
	if err := c.ValidateWithLeeway(jwt.Expected{Time: e.now()}, 0); err != nil {
		return nil, hecate.E(hecate.Malformed, op).On("token").Because(err)
	}
	for _, must := range []struct {
		name string
		have bool
	}{{"sub", c.Subject != ""}, {"exp", c.Expiry != nil}, {"iat", c.IssuedAt != nil}} {
		if !must.have {
			return nil, hecate.E(hecate.BadToken, op).On(must.name)
		}
	}
	return &Claims{Subject: c.Subject, IssuedAt: c.IssuedAt.Time(), ExpiresAt: c.Expiry.Time(), Raw: raw}, nil
}

// paddedKey is the key as HMAC itself pads it (RFC 2104), long enough for the library, which refuses short ones. Which
// secret an app's server uses is not ours to say.
func paddedKey(shared hecate.Secret) []byte {
	key := []byte(shared.Reveal())
	for len(key) < 64 {
		key = append(key, 0)
	}
	return key
}

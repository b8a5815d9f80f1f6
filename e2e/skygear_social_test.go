package e2e

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// clientsProviders are the providers that the Skygear client knows, with what each asks, and says of a person (%s is his id).
var clientsProviders = map[string]struct{ path, says string }{
	"google-oauth2": {"/oauth2/v1/userinfo", `{"id":"%[1]s","email":"google-%[1]s@example.com","verified_email":true}`},
	"facebook":      {"/me", `{"id":"%s","name":"Ada"}`},
	"linkedin":      {"/v2/userinfo", `{"sub":"%s","name":"Ada"}`},
	"instagram":     {"/me", `{"id":"%s","username":"ada"}`},
}

// clientsRefusals are what a provider says in other conditions, by the first word of the token.
var clientsRefusals = map[string]providerSays{
	"expired": {400, nil, `{"error":{"message":"Error validating access token: Session has expired","type":"OAuthException","code":190}}`},
	"revoked": {401, nil, `{"error":{"message":"Error validating access token: The session has been invalidated","type":"OAuthException","code":190}}`},
	"limited": {403, nil, `{"error":{"message":"Application request limit reached","type":"OAuthException","code":4}}`},
	"down":    providerDown,
}

// TestTheSkygearClientsProviders runs the unmodified client's calls with tokens of providers.
func TestTheSkygearClientsProviders(t *testing.T) {
	t.Parallel()
	providers := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name, path, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
		token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
		if token == "" {
			token = r.URL.Query().Get("access_token")
		}
		condition, id, _ := strings.Cut(token, "-")
		if p := clientsProviders[name]; "/"+path != p.path {
			http.NotFound(w, r)
		} else if refusal, ok := clientsRefusals[condition]; ok {
			w.WriteHeader(refusal.status)
			fmt.Fprint(w, refusal.body)
		} else {
			fmt.Fprintf(w, p.says, id)
		}
	}))
	t.Cleanup(providers.Close)
	var social []string
	for name := range clientsProviders {
		social = append(social, fmt.Sprintf("%s: {api_url: %q}", name, providers.URL+"/"+name))
	}
	const app = "social"
	s := start(t, options{apply: "orgs:\n  - {name: labs}\napps:\n" + skygearApp(app, "social: {"+strings.Join(social, ", ")+"}")})
	runScript(t, "skygear/social.js", "ENDPOINT="+s.at(skygearSites[0]), "BASE_URL="+s.url, "APP="+app, "API_KEY="+skygearKey(app), "MASTER_KEY="+skygearMaster(app))
}

package hecate

// Profile is what a social provider says of a person.
type Profile struct {
	Provider      string // "facebook", "oidc:<name>"
	Subject       string // who he is there; unique with Provider
	Email         string
	EmailVerified bool // the provider says that the address is his
	Username      string
	Name          string
	FirstName     string
	LastName      string
	Picture       string // a URL
	Location      string
	Raw           map[string]any // as the provider said it
}

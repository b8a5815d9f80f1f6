package skygear

import (
	"net/http"
	"strings"

	"hecate"
)

// database is where an action looks for records.
type database struct {
	private bool
	owner   string // the key of the user whose private records are meant; "" with private: the caller
	union   bool   // the public records and all private ones
}

// readDatabase reads database_id and checks that the caller may look there, contracts/skygear.md 4.1.
func readDatabase(c *call) (database, error) {
	id, err := c.args.text("database_id")
	if err != nil {
		return database{}, err
	}
	switch {
	case id == "" || id == "_public":
		return database{}, nil
	case id == "_private" && c.actor.User == nil:
		return database{}, fail(notAuthenticated, "Authentication is needed for private DB access")
	case id == "_private":
		return database{private: true}, nil
	case id == "_union" && !c.master():
		return database{}, fail(notAuthenticated, "Master key is needed for union DB access")
	case id == "_union":
		return database{union: true}, nil
	case strings.HasPrefix(id, "_"):
		return database{}, invalid("invalid database ID", "database_id")
	case c.actor.User != nil && userKey(c.actor.User) == id:
		return database{private: true}, nil
	case c.master():
		return database{private: true, owner: id}, nil
	}
	return database{}, fail(permissionDenied, "The selected DB cannot be accessed because permission is denied").as(http.StatusForbidden)
}

// writable refuses what cannot be written to.
func (d database) writable() error {
	if d.union {
		return fail(notSupported, "modifying the selected database is not supported")
	}
	return nil
}

// userKey is what a user is called on the wire.
func userKey(u *hecate.User) string {
	if u.Key != "" {
		return u.Key
	}
	return string(u.ID)
}

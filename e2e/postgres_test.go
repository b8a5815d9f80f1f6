package e2e

import (
	"testing"

	"hecate/internal/store/pgtest"
)

// postgres gives the URL of an empty database, gone after the test.
func postgres(t *testing.T) string {
	t.Helper()
	return pgtest.Fresh(t)
}

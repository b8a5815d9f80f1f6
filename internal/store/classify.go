package store

import (
	"context"
	"database/sql"
	"errors"
	"regexp"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"hecate"
)

// classify gives the error of a driver its Kind:
//
//   - a taken unique value is Exists. Info["constraint"] says which, alike on both engines:
//     "users(app_id,key)" for plain columns, else the name of the index; Info["columns"]
//     lists the columns, and Field is the last of them
//   - a foreign key that leads nowhere is NotFound, a null or checked value that may not be is Invalid
//   - no rows is NotFound; a database that stays busy or conflicts is TooMany
//   - a context that ended stays what it is, and everything else is Internal
func classify(err error) error {
	if err == nil {
		return nil
	}
	var kinded *hecate.Error
	var kind hecate.Kind
	if errors.As(err, &kinded) || errors.As(err, &kind) {
		return err
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	if errors.Is(err, sql.ErrNoRows) {
		return hecate.NotFound
	}
	var lite *sqlite.Error
	if errors.As(err, &lite) {
		return classifyLite(lite, err)
	}
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return classifyPostgres(pg, err)
	}
	return err
}

// taken is the error of a unique value that exists already.
func taken(table string, columns []string, err error) error {
	e := hecate.E(hecate.Exists, "write").Because(err)
	if len(columns) > 0 {
		e.On(columns[len(columns)-1])
	}
	return e.With("constraint", table+"("+strings.Join(columns, ",")+")").With("columns", columns)
}

func busy(err error) error {
	return hecate.E(hecate.TooMany, "write").Because(err).After(time.Second)
}

// classifyLite reads SQLite's codes; the columns are in its message only.
func classifyLite(e *sqlite.Error, err error) error {
	switch e.Code() {
	case sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY, sqlite3.SQLITE_CONSTRAINT_ROWID:
		what := liteSubject(e)
		if name, ok := strings.CutPrefix(what, "index '"); ok {
			return hecate.E(hecate.Exists, "write").Because(err).With("constraint", strings.TrimSuffix(name, "'"))
		}
		var table string
		var columns []string
		for _, c := range strings.Split(what, ", ") {
			t, column, _ := strings.Cut(c, ".")
			table, columns = t, append(columns, column)
		}
		return taken(table, columns, err)
	case sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY:
		return hecate.E(hecate.NotFound, "write").Because(err)
	case sqlite3.SQLITE_CONSTRAINT_NOTNULL:
		_, column, _ := strings.Cut(liteSubject(e), ".")
		return hecate.E(hecate.Invalid, "write").Because(err).On(column)
	case sqlite3.SQLITE_CONSTRAINT_CHECK:
		return hecate.E(hecate.Invalid, "write").Because(err).With("constraint", liteSubject(e))
	case sqlite3.SQLITE_TOOBIG:
		return hecate.E(hecate.TooLarge, "write").Because(err)
	}
	switch e.Code() & 0xff {
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return busy(err)
	}
	return err
}

// liteSubject is what a constraint message is about: "t.a, t.b" of
// "constraint failed: UNIQUE constraint failed: t.a, t.b (2067)".
func liteSubject(e *sqlite.Error) string {
	text := e.Error()
	if at := strings.LastIndex(text, "failed: "); at >= 0 {
		text = text[at+len("failed: "):]
	}
	if at := strings.LastIndex(text, " ("); at >= 0 {
		text = text[:at]
	}
	return text
}

// keyDetail finds the columns in PostgreSQL's "Key (app_id, name)=(…) already exists.", in any language.
var keyDetail = regexp.MustCompile(`\(([^()]*)\)=\(`)

func classifyPostgres(e *pgconn.PgError, err error) error {
	switch e.Code {
	case "23505":
		if m := keyDetail.FindStringSubmatch(e.Detail); m != nil {
			return taken(e.TableName, strings.Split(strings.ReplaceAll(m[1], `"`, ""), ", "), err)
		}
		return hecate.E(hecate.Exists, "write").Because(err).With("constraint", e.ConstraintName)
	case "23503":
		return hecate.E(hecate.NotFound, "write").Because(err)
	case "23502":
		return hecate.E(hecate.Invalid, "write").Because(err).On(e.ColumnName)
	case "23514":
		return hecate.E(hecate.Invalid, "write").Because(err).With("constraint", e.ConstraintName)
	case "22021", "22P05": // a NUL, which PostgreSQL cannot keep in text or jsonb
		return hecate.E(hecate.Invalid, "write").Because(err)
	case "54000", "54001": // an index row or a statement too large
		return hecate.E(hecate.TooLarge, "write").Because(err)
	case codeSerialization, codeDeadlock, "55P03", "53300":
		return busy(err)
	case "57014": // the server's own statement_timeout: our contexts end with their own error
		return errors.Join(context.DeadlineExceeded, err)
	}
	return err
}

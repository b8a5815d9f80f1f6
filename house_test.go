package hecate_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// rooms is the table of docs/design: what each room may import of our own
// packages, and from outside. "*" at the end stands for anything below.
var rooms = map[string]struct{ own, outside []string }{
	".":               {nil, nil},
	"internal/secret": {[]string{"."}, []string{"golang.org/x/crypto/*"}},
	"internal/blob":   {[]string{"."}, []string{"github.com/minio/minio-go/v7*"}},
	"internal/mail":   {[]string{"."}, []string{"github.com/wneessen/go-mail"}},
	"internal/store": {[]string{"."}, []string{
		"modernc.org/sqlite*", "github.com/jackc/pgx/v5*", "github.com/pressly/goose/v3*", "golang.org/x/sync/*", "golang.org/x/sys/*",
		"github.com/maypok86/otter/v2",
	}},
	"internal/engine": {
		[]string{".", "internal/secret", "internal/store", "internal/blob", "internal/provider", "internal/mail"},
		[]string{"github.com/maypok86/otter/v2", "github.com/google/uuid", "github.com/gabriel-vasile/mimetype", "github.com/go-jose/go-jose/v4*"},
	},
	"internal/web":              {[]string{"."}, nil},
	"internal/dialect/skygear":  {[]string{".", "internal/engine", "internal/web"}, nil},
	"internal/dialect/usergrid": {[]string{".", "internal/engine", "internal/web"}, nil},
	"internal/provider":         {[]string{"."}, []string{"github.com/coreos/go-oidc/v3*", "golang.org/x/oauth2*", "github.com/go-jose/go-jose/v4*"}},
	"internal/dialect/native":   {[]string{".", "internal/engine", "internal/web"}, nil},
	"internal/dialect/syncano":  {[]string{".", "internal/engine", "internal/web"}, nil},
	"internal/console":          {[]string{"internal/web"}, nil},
	"cmd/hecate": {
		[]string{".", "internal/*"},
		[]string{"github.com/alecthomas/kong", "go.yaml.in/yaml/v3"},
	},
}

// helpers of tests and measurements stand outside the stack.
var outsideStack = []string{"internal/store/storetest", "internal/engine/enginetest", "internal/store/pgtest", "internal/mail/mailtest", "e2e", "bench", "scripts"}

func TestEveryRoomImportsOnlyWhatTheTableAllows(t *testing.T) {
	t.Parallel()
	for dir, files := range sources(t) {
		if slices.ContainsFunc(outsideStack, func(p string) bool { return dir == p || strings.HasPrefix(dir, p+"/") }) {
			continue
		}
		room, ok := rooms[dir]
		if !ok {
			t.Errorf("%s is in no room of the table", dir)
			continue
		}
		for _, f := range files {
			for _, spec := range f.Imports {
				imported, _ := strconv.Unquote(spec.Path.Value)
				if !allowed(imported, room.own, room.outside) {
					t.Errorf("%s must not import %s", dir, imported)
				}
			}
		}
	}
}

func allowed(imported string, own, outside []string) bool {
	if imported == "hecate" {
		imported = "hecate/."
	}
	if ours, ok := strings.CutPrefix(imported, "hecate/"); ok {
		return matchesAny(ours, own)
	}
	first, _, _ := strings.Cut(imported, "/")
	return !strings.Contains(first, ".") || matchesAny(imported, outside)
}

func matchesAny(name string, patterns []string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool {
		if prefix, ok := strings.CutSuffix(p, "*"); ok {
			return strings.HasPrefix(name, prefix) || name == strings.TrimSuffix(prefix, "/")
		}
		return name == p
	})
}

// legacy are words of the dialects that the rooms below them must not know.
var legacy = regexp.MustCompile(`(?i)instance|data_?object|user_?key|entity|entities|skygear|syncano|usergrid|predicate|user_profile`)

// ours look like legacy words but are none: Identity is the field's own term.
var ours = regexp.MustCompile(`(?i)identit(y|ies)`)

func TestTheLowerRoomsKnowNoLegacyWord(t *testing.T) {
	t.Parallel()
	for dir, files := range sources(t) {
		if dir != "." && dir != "internal/engine" && dir != "internal/store" {
			continue
		}
		for _, f := range files {
			ast.Inspect(f, func(n ast.Node) bool {
				if id, ok := n.(*ast.Ident); ok && legacy.MatchString(ours.ReplaceAllString(id.Name, "")) {
					t.Errorf("%s: the identifier %s is a legacy word", dir, id.Name)
				}
				return true
			})
		}
	}
	migrations, err := filepath.Glob("internal/store/migrations/*.sql")
	if err != nil || len(migrations) == 0 {
		t.Fatal("no migrations found", err)
	}
	for _, file := range migrations {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if word := legacy.Find(ours.ReplaceAll(text, nil)); word != nil {
			t.Errorf("%s: %s is a legacy word", file, word)
		}
	}
}

// sources parses every Go file that is no test, by directory.
func sources(t *testing.T) map[string][]*ast.File {
	t.Helper()
	found := map[string][]*ast.File{}
	err := filepath.WalkDir(".", func(name string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if e.IsDir() && (strings.HasPrefix(e.Name(), ".") && name != "." || e.Name() == "node_modules" || e.Name() == "testdata") {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		dir := path.Dir(filepath.ToSlash(name))
		found[dir] = append(found[dir], f)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

package e2e

import (
	"context"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"
)

// tourAddress is where the README says that the server runs; the test puts the real address in its place.
const tourAddress = "http://127.0.0.1:8080"

// TestTheTourOfTheReadme runs the README's five-minute tour. In the README
//
//   - a block tagged `yaml tour` is the file that the server is started with (`hecate serve --apply tour.yaml`);
//   - blocks tagged `sh tour` are the commands, in one shell from the first to the last. A variable set in one block is
//     there in the next; every command must succeed, and curl fails on an answer of 400 or more unless it is told -i.
func TestTheTourOfTheReadme(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	commands := strings.Join(fenced(string(readme), "sh tour"), "\n")
	if commands == "" {
		t.Fatal("the README has no block tagged `sh tour`")
	}
	s := start(t, options{apply: strings.Join(fenced(string(readme), "yaml tour"), "\n")})
	script := `set -euo pipefail
curl() { case " $* " in *" -i "*) command curl -sS "$@" ;; *) command curl -sS --fail-with-body "$@" ;; esac; }
` + strings.ReplaceAll(commands, tourAddress, s.url)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	bash := exec.CommandContext(ctx, "bash", "-c", script)
	bash.Dir = t.TempDir()
	bash.Env = append(cleanEnv(), "HECATE="+binary)
	out, err := bash.CombinedOutput()
	t.Logf("the tour:\n%s", out)
	if err != nil {
		t.Fatalf("the tour stopped: %v", err)
	}
}

// fenced gives the blocks of a Markdown text whose fence carries the tag.
func fenced(markdown, tag string) []string {
	blocks := regexp.MustCompile("(?ms)^```" + regexp.QuoteMeta(tag) + "[ \t]*\n(.*?)^```[ \t]*$")
	var found []string
	for _, m := range blocks.FindAllStringSubmatch(markdown, -1) {
		found = append(found, m[1])
	}
	return found
}

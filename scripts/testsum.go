//go:build ignore

// Testsum reads the events of `go test -json` and prints one line per package with its number of tests, then the whole
// output of every test that failed. It exits with 1 when anything failed or nothing ran.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"strings"
)

// event is one line of `go test -json`; see `go doc test2json`.
type event struct {
	Action  string
	Package string
	// ImportPath names the package of a build event, which has no Package.
	ImportPath string
	Test       string
	Output     string
	Elapsed    float64
}

// counts are the tests of one package, subtests included.
type counts struct{ pass, fail, skip int }

type key struct{ pkg, test string }

func main() {
	os.Exit(run())
}

func run() int {
	var total counts
	byPackage := map[string]*counts{}
	output := map[key][]string{}
	var reports []string
	failed := false

	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var e event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			fmt.Println(lines.Text()) // not an event: the go command's own message
			continue
		}
		if e.Package == "" {
			e.Package = e.ImportPath
		}
		c := byPackage[e.Package]
		if c == nil {
			c = &counts{}
			byPackage[e.Package] = c
		}
		k := key{e.Package, e.Test}
		switch e.Action {
		case "output":
			output[k] = append(output[k], e.Output)
		case "build-output":
			fmt.Print(e.Output)
		case "build-fail":
			failed = true
		case "pass", "fail", "skip":
			if e.Test == "" {
				printPackage(e, c)
				failed = failed || e.Action == "fail"
				if e.Action == "fail" && c.fail == 0 {
					reports = append(reports, "FAIL "+e.Package+"\n"+strings.Join(output[k], ""))
				}
				continue
			}
			count(c, e.Action)
			count(&total, e.Action)
			if e.Action == "fail" {
				reports = append(reports, "FAIL "+e.Package+" "+e.Test+"\n"+strings.Join(output[k], ""))
			}
			if e.Action == "skip" {
				fmt.Printf("skip    %s %s\n", e.Package, e.Test)
			}
			delete(output, k)
		}
	}
	if err := lines.Err(); err != nil {
		fmt.Println("testsum:", err)
		failed = true
	}

	for _, report := range reports {
		fmt.Printf("\n%s", report)
	}
	fmt.Printf("tests: %d passed, %d failed, %d skipped\n", total.pass, total.fail, total.skip)
	if failed || total.fail > 0 || total.pass == 0 {
		return 1
	}
	return 0
}

func count(c *counts, action string) {
	switch action {
	case "pass":
		c.pass++
	case "fail":
		c.fail++
	case "skip":
		c.skip++
	}
}

func printPackage(e event, c *counts) {
	word := map[string]string{"pass": "ok", "fail": "FAIL", "skip": "-"}[e.Action]
	fmt.Printf("%-7s %-40s %7.2fs  %d tests", word, e.Package, e.Elapsed, c.pass+c.fail)
	if c.fail > 0 {
		fmt.Printf(", %d failed", c.fail)
	}
	fmt.Println()
}

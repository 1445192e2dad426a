package test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// rooms is the law of the house (README, Architecture): for every room, the
// rooms that it may import. Arrows run downwards only. A room is the longest
// prefix here of a package's folder; a package outside any room fails the test.
var rooms = map[string][]string{
	"fhir/issue":    {},
	"fhir/tree":     {"fhir/issue"},
	"fhir/schema":   {"fhir/issue", "fhir/tree"},
	"fhir/ucum":     {"fhir/issue"},
	"fhir/udi":      {},
	"fhir/fhirpath": {"fhir/issue", "fhir/tree", "fhir/schema", "fhir/ucum"},
	"fhir/xml":      {"fhir/issue", "fhir/tree", "fhir/schema"},
	"fhir/graphql":  {"fhir/issue", "fhir/tree", "fhir/schema", "fhir/fhirpath", "fhir/ucum"},
	// What is known: conformance resources, codes, snapshots, packages.
	"fhir/definition":  {"fhir/issue", "fhir/tree"},
	"fhir/ig":          {"fhir/issue", "fhir/tree", "fhir/definition"},
	"fhir/terminology": {"fhir/issue", "fhir/tree", "fhir/definition", "fhir/ucum"},
	"fhir/snapshot":    {"fhir/issue", "fhir/tree", "fhir/schema", "fhir/definition"},
	// What is judged by it.
	"fhir/rules":         {"fhir/issue", "fhir/tree", "fhir/schema", "fhir/definition", "fhir/terminology", "fhir/fhirpath", "fhir/ucum", "fhir/udi"},
	"fhir/questionnaire": {"fhir/issue", "fhir/tree", "fhir/schema", "fhir/definition", "fhir/terminology", "fhir/fhirpath", "fhir/ucum"},
	"fhir/validate":      {"fhir"},
	"fhir":               {},
	"mesh":               {"fhir/issue"},
	"profiles":           {"fhir/issue", "fhir/tree", "fhir/schema", "fhir/definition"},
	"migrations":         {},

	"server/access":   {"fhir/issue", "fhir/tree"},
	"server/search":   {"server/access", "fhir"},
	"server/ledger":   {"server/access", "fhir"},
	"server/casework": {"server/access", "fhir", "profiles"},
	"server/dispatch": {"fhir/issue"},
	// The feed stands above the record that it reads; the outbox below it.
	"server/dispatch/subscription": {"fhir"},
	"server/dispatch/feed":         {"server/dispatch/subscription", "server/record", "server/revision", "server/search", "server/access", "fhir"},
	"server/dispatch/socket":       {"server/dispatch/feed", "server/access", "fhir/issue"},
	"server/revision":              {"server/search", "fhir", "profiles"},
	"server/record":                {"server/access", "server/search", "server/casework", "server/ledger", "server/dispatch", "server/revision", "fhir", "profiles"},

	"server/witness": {"server/ledger"},
	"server/syslog":  {},
	"server/backup":  {},
	"server/pdf":     {},

	"server/inspect": {"server/record", "server/dispatch", "server/access", "mesh", "dicomweb/geometry", "fhir"},

	"adapters/grading": {"fhir/issue", "fhir/tree"},
	// Rows of the audit as others read them: pure.
	"server/audit":            {"server/record", "server/access"},
	"server/rest":             {"server/record", "server/audit", "server/dispatch", "server/revision", "server/search", "server/access", "fhir"},
	"dicomweb/dicom":          {"fhir/issue"},
	"dicomweb/index":          {"dicomweb/dicom", "server/access"},
	"dicomweb/sample":         {"dicomweb/dicom"},
	"dicomweb/pixel":          {"dicomweb/pixel/jpeg2000"},
	"dicomweb/pixel/jpeg2000": {},
	// What the headers of images say of their geometry: pure.
	"dicomweb/geometry": {},
	// What takes a person out of a file: pure.
	"dicomweb/deidentify": {"dicomweb/dicom"},
	// DICOM's own protocol: no HTTP; the archive behind it is dicomweb's.
	"dicomweb/remote": {},
	"dicomweb/dimse":  {"dicomweb/dicom", "dicomweb/index", "server/access", "fhir/issue"},
	"dicomweb":        {"dicomweb/deidentify", "dicomweb/dicom", "dicomweb/dimse", "dicomweb/index", "dicomweb/geometry", "dicomweb/pixel", "server/record", "server/access", "server/search", "server/ledger", "fhir"},
	// What an authenticator says: pure.
	"oauth/webauthn": {},
	"oauth":          {"oauth/webauthn", "server/access", "fhir/issue", "fhir/tree"},
	"adapters/mes":   {"server/record", "server/dispatch", "server/access", "fhir"},
	"web":            {"fhir/issue"},
	// What stands in for a module that fosite would bring with it.
	"third_party": {},

	"server/store": {"server/record", "server/revision", "server/search", "server/casework", "server/ledger", "server/dispatch", "server/access", "dicomweb/index", "dicomweb/dimse", "oauth", "migrations", "fhir"},
	"server/app":   {"server", "fhir", "profiles", "mesh", "dicomweb", "oauth", "adapters", "web", "migrations"},
	"cmd":          {"server", "fhir", "profiles", "mesh", "dicomweb", "oauth", "adapters", "test/standin", "conformance/suite"},
	"test/demo":    {"mesh/sample", "dicomweb/sample", "server/ledger", "test/standin"},
	"test/standin": {},
	"test":         {"server", "fhir", "profiles", "mesh", "dicomweb", "oauth", "adapters", "web", "migrations", "cmd", "test"},
	// The suite asks any server over HTTP: it knows nothing of ours.
	"conformance/suite": {},
	"conformance":       {"conformance/suite", "server", "fhir", "profiles", "mesh", "dicomweb", "oauth", "adapters"},
}

// owners names, for every foreign module that one room is for, who may import it.
var owners = map[string][]string{
	"github.com/jackc/pgx":          {"server/store"},
	"modernc.org/sqlite":            {"server/store"},
	"database/sql":                  {"server/store"},
	"github.com/ory/fosite":         {"oauth"},
	"github.com/go-jose":            {"oauth"},
	"github.com/labstack/echo":      {"server/rest", "dicomweb", "oauth", "adapters/mes", "web", "server/app"},
	"github.com/suyashkumar/dicom":  {},
	"github.com/transparency-dev":   {"server/ledger"},
	"golang.org/x/mod":              {"server/ledger"},
	"github.com/emmansun/gmsm":      {"server/ledger"},
	"github.com/digitorus":          {"server/ledger"},
	"github.com/alecthomas/kong":    {"cmd", "server/app"},
	"github.com/samply":             {"adapters"},
	"github.com/prometheus":         {"server/app"},
	"golang.org/x/crypto/argon2":    {"server/ledger", "oauth"},
	"github.com/tetratelabs/wazero": {"dicomweb"},
	"gocloud.dev":                   {"server/store"},
	"github.com/coder/websocket":    {"server/dispatch/socket"},
	"net/http/httptest":             {},
}

// banned are names that say nothing about what a room is for.
var banned = []string{"util", "utils", "common", "helper", "helpers", "manager", "misc"}

func roomOf(folder string) string {
	best := ""
	for r := range rooms {
		if (folder == r || strings.HasPrefix(folder, r+"/")) && len(r) > len(best) {
			best = r
		}
	}
	return best
}

// judge returns what is wrong with one import of a package that is no test.
func judge(folder, path string) string {
	room := roomOf(folder)
	if room == "" {
		return folder + " is in no room: add it to the table and to README"
	}
	if inner, ok := strings.CutPrefix(path, "tenon/"); ok {
		target := roomOf(inner)
		if target == room {
			return ""
		}
		for _, allowed := range rooms[room] {
			if target == allowed || strings.HasPrefix(target, allowed+"/") || strings.HasPrefix(inner, allowed+"/") || inner == allowed {
				return ""
			}
		}
		return room + " may not import " + inner
	}
	for module, by := range owners {
		if (path == module || strings.HasPrefix(path, module+"/")) && !slices.ContainsFunc(by, func(o string) bool {
			return room == o || strings.HasPrefix(room, o+"/")
		}) {
			return room + " may not import " + path
		}
	}
	return ""
}

func TestArrowsRunDownwards(t *testing.T) {
	root := ".."
	seen := 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if slices.Contains(banned, d.Name()) {
				t.Errorf("%s: a room is named after what it is for", path)
			}
			if strings.HasPrefix(d.Name(), ".") && path != root || d.Name() == "testdata" || d.Name() == "node_modules" {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		folder, err := filepath.Rel(root, filepath.Dir(path))
		if err != nil {
			return err
		}
		if generator(folder) {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, spec := range file.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			seen++
			if fault := judge(filepath.ToSlash(folder), imported); fault != "" {
				t.Errorf("%s: %s", path, fault)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if seen < 50 {
		t.Errorf("only %d imports were judged: the walk is broken", seen)
	}
}

// generator tells whether a folder holds a program of `make generate` or the
// support of tests, which no part of the binary imports.
func generator(folder string) bool {
	base := filepath.Base(folder)
	return base == "generate" || strings.HasSuffix(base, "test")
}

func TestPlantedFaults(t *testing.T) {
	for _, planted := range []struct{ folder, path string }{
		{"fhir/tree", "tenon/server/record"},
		{"server/casework", "tenon/server/record"},
		{"server/record", "tenon/server/store"},
		{"server/rest", "tenon/server/store"},
		{"server/rest", "database/sql"},
		{"server/rest", "github.com/jackc/pgx/v5"},
		{"dicomweb", "tenon/server/rest"},
		{"adapters/mes/webhook", "tenon/dicomweb"},
		{"server/search", "tenon/server/casework"},
		{"server/newroom", "fmt"},
		{"server/app", "github.com/suyashkumar/dicom"},
	} {
		if judge(planted.folder, planted.path) == "" {
			t.Errorf("%s importing %s is not found", planted.folder, planted.path)
		}
	}
	for _, fine := range []struct{ folder, path string }{
		{"server/record", "tenon/server/casework"},
		{"server/store/blob", "tenon/server/record"},
		{"server/store", "github.com/jackc/pgx/v5/pgxpool"},
		{"cmd/tenon", "tenon/server/app"},
		{"fhir/validate", "tenon/fhir/tree"},
	} {
		if fault := judge(fine.folder, fine.path); fault != "" {
			t.Errorf("%s importing %s: %s", fine.folder, fine.path, fault)
		}
	}
}

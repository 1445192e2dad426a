package demo_test

import (
	"cmp"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tenon/cmd/tenon/demo"
	"tenon/server/store/pgtest"
)

// socketStages are those of the socket process.
var socketStages = []string{"S01", "S02", "S03a", "S03b", "S04", "S05", "S06", "S07", "S08", "S09", "S10", "S11", "S11a", "S11b", "S13", "S14", "S15", "S16", "S17", "S18", "S19"}

// socketRefusals are those that a socket's story provokes beside the shared ones.
var socketRefusals = []refusal{
	{"R003-010", "equipment-without-safety", 422, "equipment-harmless", "Task.status"},
	{"R003-018", "scan-not-accurate", 422, "contour-accuracy", "Task.status"},
	{"R003-021", "not-the-median-of-three", 422, "measured-thrice", "Task.status"},
	{"R003-078", "tape-and-software-differ", 422, "accuracy-measured-again", "Task.status"},
	{"R003-001", "order-of-another-level", 422, "G-ORDER/order-level", "Task.status"},
	{"R003-028", "limits-not-loaded", 422, "G-OUTPUT/design-alignment-within", "Task.status"},
	{"R003-084", "parameters-not-signed", 422, "machining-checked", "Task.status"},
	{"R003-036", "filament-for-a-powder-bed", 409, "G-PRODUCE/material-form-suits", "Task.status"},
	{"R003-004", "socket-not-assembled", 422, "G-RELEASE/assembled", "Task.status"},
	{"R003-004", "delivered-before-fit", 409, "G-RECEIVE/fit-confirmed", "Task.status"},
	{"R003-004", "fit-not-confirmed-by-patient", 422, "fit-confirmed-by-patient", "Task.status"},
	{"R003-053", "prosthesis-too-short", 422, "G-JUDGE/height-within", "Task.status"},
	{"R003-056", "alignment-not-evaluated", 422, "G-JUDGE/alignment-transtibial", "Task.status"},
	{"R003-071", "limbs-loaded-unequally", 422, "G-ACCEPT/loads-equally", "Task.status"},
	{"R001-150", "patient-before-disclosure", 404, "not-found", ""},
}

func TestSocketStory(t *testing.T) {
	t.Run("R003-004 on SQLite", func(t *testing.T) { socket.told(t, demo.Options{Seed: 1}) })
	t.Run("R003-004 on PostgreSQL", func(t *testing.T) {
		socket.told(t, demo.Options{Seed: 2, Database: pgtest.Database(t, "empty", nil)})
	})
}

// TestSocketOfScan takes a real scan of a transtibial stump through the case: the
// socket is made around it.
func TestSocketOfScan(t *testing.T) {
	folder := cmp.Or(os.Getenv("TENON_TESTDATA"), filepath.Join("..", "..", "..", "..", "shared", "testdata"))
	scan := filepath.Join(folder, "meshes", "ampscan", "stl_file.stl")
	if _, err := os.Stat(scan); err != nil {
		t.Skipf("no test data: %v (set TENON_TESTDATA)", err)
	}
	for engine, database := range map[string]func(t *testing.T) string{
		"SQLite":     func(*testing.T) string { return "" },
		"PostgreSQL": func(t *testing.T) string { return pgtest.Database(t, "empty", nil) },
	} {
		t.Run("R003-004 a real scan on "+engine, func(t *testing.T) {
			if text := socket.told(t, demo.Options{Seed: 3, Scan: scan, Database: database(t)}); !strings.Contains(text, "1 rims, the longest of 114 edges") {
				t.Error("the story does not tell of the one opening of the scan")
			}
		})
	}
}

package demo_test

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"tenon/cmd/tenon/demo"
	"tenon/server/store/pgtest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Run(m.Run)) }

// stages of the process, as the plan names them.
var stages = []string{"S01", "S02", "S03a", "S03b", "S04", "S05", "S06", "S07", "S08", "S09", "S10", "S11", "S12", "S13", "S14", "S15", "S16", "S17", "S18", "S19"}

// refusal is what a telling provokes: status, rule and element as the server must
// give them. rows are the requirements that it proves.
type refusal struct {
	rows, name    string
	status        int
	rule, element string
}

// implant and socket are the two processes, as their stories must tell them.
var (
	implant = telling{"implant", stages, refusals, 60}
	socket  = telling{"socket", socketStages, socketRefusals, 80}
)

// telling is what a story must tell: the stages it completes, what it is refused,
// and the least number of signatures in the dossier.
type telling struct {
	process  string
	stages   []string
	refusals []refusal
	signed   int
}

// refusals are those that every telling provokes.
var refusals = []refusal{
	{"", "no-token", 401, "no-token", ""},
	{"", "no-token-dicom", 401, "no-token", ""},
	{"", "unknown-token", 401, "token-refused", ""},
	{"", "machine-signs", 403, "sign-person", ""},
	{"", "stale-if-match", 412, "stale-if-match", ""},
	{"", "duplicate-key", 400, "json-duplicate-key", "Patient"},
	{"", "unknown-parameter", 400, "search-unknown-parameter", "favourite-colour"},
	{"R000-016", "not-fhir", 422, "unknown-property", "Patient"},
	{"R001-020", "evidence-not-reviewed", 422, "experience-confirmed", "Task.status"},
	{"R001-037", "complete-unsigned", 409, "G-CONSENT/consent-signed-by-patient", "Task.status"},
	{"R000-007", "skipped-stage-by-patch", 409, "transition", "Task.status"},
	{"R000-007", "skipped-stage-by-put", 409, "transition", "Task.status"},
	{"", "truncated-dicom", 409, "00081197=49152", ""},
	{"R001-097 R001-042", "slice-missing", 422, "protocol-limits", "Task.status"},
	{"R001-046", "image-before-disclosure", 404, "not-found", ""},
	{"R001-046", "dicom-before-disclosure", 404, "not-found", ""},
	{"R001-046", "design-before-disclosure", 404, "not-found", ""},
	{"R001-046", "case-before-disclosure", 404, "not-found", ""},
	{"R001-046", "patient-before-disclosure", 404, "not-found", ""},
	{"R001-055", "colleague-outside-the-team", 404, "not-found", ""},
	{"", "two-at-once", 409, "stage-closed", "Task.status"},
	{"R001-086", "order-signed-by-one", 422, "G-ORDER/order-signed-by-manufacturer", "Task.status"},
	{"R001-086", "signature-by-wrong-role", 403, "signature-role", "Task.status"},
	{"R000-021", "wrong-signing-secret", 403, "sign-secret", ""},
	{"R001-089", "designer-reviews-own-design", 403, "two-persons", "Task.status"},
	{"R000-021", "changed-document-under-old-signature", 422, "G-INPUT/input-signed-by-designer", "Task.status"},
	{"R000-021", "signed-version-is-not-current", 412, "sign-version", ""},
	{"", "stl-with-a-hole", 422, "G-OUTPUT/model-watertight", "Task.status"},
	{"", "design-of-another-patient", 404, "not-found", ""},
	{"R001-126", "one-person-verifies-twice", 403, "two-persons", "Task.status"},
	{"R001-035", "production-before-confirmation", 409, "G-PRODUCE/design-confirmed", "Task.status"},
	{"R000-021", "changed-design-after-signature", 409, "document-sealed", "Task.status"},
	{"R000-021", "changed-file-under-old-signature", 422, "G-CONFIRM/model-intact", "Task.status"},
	{"", "machine-not-validated", 409, "G-PRODUCE/machine-validated", "Task.status"},
	{"", "material-not-permitted", 409, "G-PRODUCE/material-permitted", "Task.status"},
	{"R000-025", "replayed-mes-message", 200, "repeat", ""},
	{"R000-025", "mes-number-with-another-body", 409, "idempotency-key", ""},
	{"R001-153", "device-of-another-patient", 422, "other-patient", ""},
	{"", "released-without-quality", 422, "G-RELEASE/released-by-quality", "Task.status"},
	{"R001-171", "custody-broken", 422, "G-RECEIVE/custody-unbroken", "Task.status"},
	{"R001-179", "predecessors-not-judged", 422, "predecessor-judged", "Task.status"},
	{"R001-179", "accepted-unjudged", 409, "judged-first", "Task.status"},
	{"R001-208", "agent-accepts", 403, "signature-role", "Task.status"},
	{"R001-153", "another-patients-device", 409, "device-patient-fixed", "Task.status"},
	{"R001-135", "change-not-signed", 422, "change-signed-CLIN", "Task.status"},
	{"R001-135", "change-while-printing", 409, "job-stopped", "Task.status"},
	{"R001-183 R001-205", "conform-over-computed-nonconform", 422, "G-JUDGE/accuracy-computed", "Task.status"},
	{"R001-220", "followup-closed-too-early", 422, "G-CLOSE/visits-made", "Task.status"},
	{"", "patient-edits-the-order", 403, "role-lacks-verb", ""},
	{"", "another-patient-reads", 404, "not-found", ""},
	{"", "manufacturer-takes-the-export", 403, "export-owner", ""},
}

// gates that open on the way.
var gates = []string{"G-CONSENT", "G-DISCLOSE", "G-ORDER", "G-INPUT", "G-OUTPUT", "G-VERIFY", "G-CONFIRM", "G-PRODUCE", "G-RELEASE", "G-RECEIVE", "G-JUDGE", "G-ACCEPT", "G-USE", "G-CLOSE"}

func TestStory(t *testing.T) {
	for name, seed := range map[string]int64{"seed 1": 1, "seed 2": 2} {
		t.Run("R000-001 R004-007 "+name+" on SQLite", func(t *testing.T) {
			implant.told(t, demo.Options{Seed: seed})
		})
	}
	t.Run("R000-001 on PostgreSQL", func(t *testing.T) {
		implant.told(t, demo.Options{Seed: 1, Database: pgtest.Database(t, "empty", nil)})
	})
}

// TestRealInput walks a patient from Synthea, a CT of 108 slices and a skull
// surface through the case. The skull is no closed surface, and is refused as the
// model; the plate is made in its place.
func TestRealInput(t *testing.T) {
	folder := cmp.Or(os.Getenv("TENON_TESTDATA"), filepath.Join("..", "..", "..", "..", "shared", "testdata"))
	patients, _ := filepath.Glob(filepath.Join(folder, "synthea", "Kyla*.json"))
	images, model := filepath.Join(folder, "dicom", "cranium-ct"), filepath.Join(folder, "meshes", "skull.stl")
	for _, need := range append(patients, images, model) {
		if _, err := os.Stat(need); err != nil {
			t.Skipf("no test data: %v (set TENON_TESTDATA)", err)
		}
	}
	if len(patients) == 0 {
		t.Skip("no Synthea bundle in the test data (set TENON_TESTDATA)")
	}
	for engine, database := range map[string]func(t *testing.T) string{
		"SQLite":     func(*testing.T) string { return "" },
		"PostgreSQL": func(t *testing.T) string { return pgtest.Database(t, "empty", nil) },
	} {
		t.Run("R000-001 real input on "+engine, func(t *testing.T) {
			text := implant.told(t, demo.Options{Seed: 2, Database: database(t), Patient: patients[0], Images: images, Model: model})
			for _, want := range []string{"107 of 107 instances", "the server measured the images: 0 missing", "Kyla Zulauf", "19987934 bytes of STL: watertight false"} {
				if !strings.Contains(text, want) {
					t.Errorf("the story does not tell %q", want)
				}
			}
		})
	}
}

// told runs a story and judges its report.
func (want telling) told(t *testing.T, o demo.Options) string {
	t.Helper()
	var out bytes.Buffer
	o.Out, o.Process = &out, want.process
	r, err := demo.Run(t.Context(), o)
	if err != nil {
		t.Fatalf("%v\n%s", err, tail(out.String()))
	}
	t.Logf("%d requests in %v", r.Requests, r.Took)
	if got := slices.Sorted(slices.Values(r.Completed)); !slices.Equal(got, want.stages) {
		t.Errorf("completed %v, want %v", got, want.stages)
	}
	for _, g := range gates {
		if !slices.Contains(r.Gates, g) {
			t.Errorf("gate %s did not open: %v", g, r.Gates)
		}
	}
	for _, want := range want.refusals {
		t.Run(strings.TrimSpace(want.rows+" "+want.name), func(t *testing.T) {
			if !slices.ContainsFunc(r.Refusals, func(got demo.Refusal) bool {
				return got.Name == want.name && got.Status == want.status && got.Rule == want.rule && got.Element == want.element && got.Text != ""
			}) {
				t.Errorf("not refused with %d %s at %q", want.status, want.rule, want.element)
			}
		})
	}
	if r.Signed < want.signed || r.Exported == 0 {
		t.Errorf("the dossier holds %d signatures, the export %d resources", r.Signed, r.Exported)
	}
	return out.String()
}

// tail is the end of what was told.
func tail(s string) string {
	lines := strings.Split(s, "\n")
	return strings.Join(lines[max(0, len(lines)-30):], "\n")
}

// TestUnexpected ends the story at the first answer that it does not allow, and
// says which.
func TestUnexpected(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	_, err := demo.Run(ctx, demo.Options{Seed: 1, Out: &stopper{after: "At the doors", stop: cancel}})
	if err == nil || errors.As(err, new(*demo.Unexpected)) {
		t.Errorf("Run() of a story whose context ended = %v", err)
	}
	broken := filepath.Join(t.TempDir(), "patient.json")
	if err := os.WriteFile(broken, []byte(`{"entry":[{"resource":{"resourceType":"Patient","gender":"none of the four"}}]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = demo.Run(t.Context(), demo.Options{Seed: 1, Patient: broken})
	var u *demo.Unexpected
	if !errors.As(err, &u) || u.Want != "201" || u.Got != "422" || !strings.Contains(u.Request, "POST /fhir/Patient") || !strings.Contains(u.Body, "Patient.gender") {
		t.Errorf("Run() with a patient that is no FHIR = %v", err)
	}
}

// stopper ends the context when a text was written.
type stopper struct {
	after string
	stop  context.CancelFunc
}

func (s *stopper) Write(b []byte) (int, error) {
	if strings.Contains(string(b), s.after) {
		s.stop()
	}
	return len(b), nil
}

package grading

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"tenon/fhir/issue"
	"tenon/fhir/tree"
)

// FollowUp is a case whose follow-up goes to the manufacturer of its device.
type FollowUp struct {
	// Patient is the person of the case: "Patient/id". Dates of the whole case
	// are shifted together.
	Patient string
	// Resources are the current versions of everything of the case that the
	// owner releases, each once, in any order. Those of people (Patient,
	// RelatedPerson, Practitioner) are not exported: the copies are searched
	// for their names.
	Resources  []tree.Node
	Recipient  Recipient
	Pseudonyms *Pseudonymiser
	// BaseURL is the address of our FHIR door, to know own absolute references.
	BaseURL string
	// K is the measured k of the recipient's set, 0 when not measured.
	K int
	// At is when the export is made.
	At time.Time
}

// Recipient says which devices are the manufacturer's own: a device matches by
// any of these.
type Recipient struct {
	Names             []string // Device.manufacturer
	DeviceIdentifiers []string // UDI-DI
}

// Package is an export ready for the safe channel (§4.2 step 8).
type Package struct {
	NDJSON   []byte
	Manifest Manifest
}

// Manifest describes an export.
type Manifest struct {
	Purpose   string     `json:"purpose"`
	Template  string     `json:"template"` // version of the purpose template
	Recipient string     `json:"recipient"`
	Table     string     `json:"table"` // version of the rule table
	Level     Level      `json:"level"`
	Integrity uint8      `json:"integrity"`
	Created   time.Time  `json:"created"`
	SHA256    string     `json:"sha256"` // of the NDJSON
	Lines     []Line     `json:"lines"`
	Exported  []Count    `json:"exported"`
	Withheld  []Withheld `json:"withheld"`
}

// Line is one resource of the export.
type Line struct {
	Reference string `json:"reference"`
	SHA256    string `json:"sha256"` // of the line without its end
	Level     Level  `json:"level"`
	Integrity uint8  `json:"integrity"`
}

// Count is how many resources of a type the export holds.
type Count struct {
	Type  string `json:"type"`
	Count int    `json:"count"`
}

// Withheld is how many resources of a type stayed behind, and why.
type Withheld struct {
	Type   string `json:"type"`
	Reason string `json:"reason"`
	Count  int    `json:"count"`
}

// Why a resource is withheld.
const (
	reasonPerson  = "identity of a person"
	reasonPurpose = "not needed for the purpose"
	reasonForeign = "device of another manufacturer"
	reasonSpecial = "special personal data"
)

// FollowUpExport makes the copies of a case that the manufacturer of its
// device may have: every visit and every device of the manufacturer, and what
// else the purpose template lets through, pseudonymised, with dates shifted,
// without free text; each graded again as it is written. It fails, and nothing
// is exported, when a copy is above the ceiling of the recipient (L3), shows a
// person of the case or speaks of another patient, or when the case holds no
// device of the manufacturer. Errors about the case are *issue.Failure.
func (t *Table) FollowUpExport(f FollowUp) (*Package, error) {
	if f.Pseudonyms == nil {
		return nil, fmt.Errorf("grading: an export needs a pseudonymiser")
	}
	if p, ok := localReference(f.Patient, ""); !ok || p != f.Patient {
		return nil, issue.Errorf(issue.Value, "the patient of the case is %q, want Patient/id", f.Patient).Rule("export-patient")
	}
	x := &exporter{t: t, f: f, made: map[string]bool{}, withheld: map[[2]string]int{}}
	for _, n := range f.Resources {
		if slices.Contains(t.followUp.People, n.Field("resourceType").Str()) {
			x.people.learn(n)
		}
	}
	for _, n := range f.Resources {
		if err := x.add(n); err != nil {
			return nil, err
		}
	}
	if x.devices == 0 {
		return nil, issue.Errorf(issue.BusinessRule, "the case holds no device of the recipient; an export goes to the manufacturer of the device only").
			Rule("export-recipient").Clause("R004-024").Chinese("个案中没有接收方生产的器械；数据只能发送给该器械的制造商")
	}
	return x.pack()
}

type exporter struct {
	t        *Table
	f        FollowUp
	people   identity
	made     map[string]bool // pseudonyms
	seen     map[string]bool // sources
	devices  int
	copies   []copied
	withheld map[[2]string]int // type and reason
}

type copied struct {
	typ  string
	line Line
	body []byte
}

// pack puts the copies in an order that says nothing about their source.
func (x *exporter) pack() (*Package, error) {
	slices.SortFunc(x.copies, func(a, b copied) int { return cmp.Compare(a.line.Reference, b.line.Reference) })
	m := Manifest{
		Purpose: x.t.followUp.Purpose, Template: x.t.followUp.Version, Recipient: x.t.followUp.Recipient,
		Table: x.t.rules.Version, Created: x.f.At.UTC(), Lines: []Line{}, Exported: []Count{}, Withheld: []Withheld{},
	}
	var out bytes.Buffer
	for _, c := range x.copies {
		out.Write(c.body)
		out.WriteByte('\n')
		m.Lines = append(m.Lines, c.line)
		m.Level, m.Integrity = max(m.Level, c.line.Level), max(m.Integrity, c.line.Integrity)
		if n := len(m.Exported); n > 0 && m.Exported[n-1].Type == c.typ {
			m.Exported[n-1].Count++
		} else {
			m.Exported = append(m.Exported, Count{c.typ, 1})
		}
	}
	for key, n := range x.withheld {
		m.Withheld = append(m.Withheld, Withheld{key[0], key[1], n})
	}
	slices.SortFunc(m.Withheld, func(a, b Withheld) int {
		return cmp.Or(cmp.Compare(a.Type, b.Type), cmp.Compare(a.Reason, b.Reason))
	})
	m.SHA256 = digest(out.Bytes())
	return &Package{NDJSON: out.Bytes(), Manifest: m}, nil
}

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// JSON is the manifest as it is sent.
func (m Manifest) JSON() ([]byte, error) { return json.MarshalIndent(m, "", "  ") }

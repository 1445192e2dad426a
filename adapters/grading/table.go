package grading

import (
	"bytes"
	"embed"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"sync"
)

//go:embed table/elements.csv table/rules.json table/followup.json
var files embed.FS

// Table is the element table and the rules, immutable and safe for any number
// of goroutines.
type Table struct {
	rules    rules
	rows     []Row
	types    map[string]*element // FHIR resource types
	dicom    map[string][]*Row   // by eight hexadecimal digits, or "private"
	adapter  map[string]*Row
	category map[string]string // of an element without a row, by resource type
	followUp *template
}

// Row is one element of the table (§3.1).
type Row struct {
	ID        string // G… of the scheme, T… added by this table
	Path      string // "Observation.value[x]", "00100010", "mes.message"
	Qualifier string // the kind that the row is limited to, or ""
	Element   string // what it is, for a person
	Category  string // §1: "P1"
	Action    string // de-identification: X Z P G S U C K N
	Basis     string // clause, law or standard
	Inputs
	number int
}

// Inputs are the inputs of the decision (§3.1).
type Inputs struct {
	I  uint8 `json:"I"`  // identifiability 0–3
	S  uint8 `json:"S"`  // sensitivity 0–3
	OR uint8 `json:"OR"` // harm to organisations 0–3
	PB uint8 `json:"PB"` // harm on the public side 0–4
	NS uint8 `json:"NS"` // harm to national security 0–4
	Q  uint8 `json:"Q"`  // harm when changed or lost 0–3
}

var loaded = sync.OnceValues(load)

// Load returns the embedded table, checked and compiled once.
func Load() (*Table, error) { return loaded() }

func load() (*Table, error) {
	elements, err := files.ReadFile("table/elements.csv")
	if err != nil {
		return nil, err
	}
	ruleFile, err := files.ReadFile("table/rules.json")
	if err != nil {
		return nil, err
	}
	return Compile(elements, ruleFile)
}

// Version names the table and its rules in every result.
func (t *Table) Version() string { return t.rules.Version }

// Rows returns a copy of the rows, in the order of the file.
func (t *Table) Rows() []Row { return append([]Row(nil), t.rows...) }

// Compile reads an element table (CSV) and a rule file (JSON), as an
// organisation may bring its own; purpose templates are ours. It refuses a
// file with an unknown column, value or qualifier, and a row whose stated
// level or integrity is not what the rules give.
func Compile(elements, ruleFile []byte) (*Table, error) {
	t := &Table{types: map[string]*element{}, dicom: map[string][]*Row{}, adapter: map[string]*Row{}}
	dec := json.NewDecoder(bytes.NewReader(ruleFile))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&t.rules); err != nil {
		return nil, fmt.Errorf("grading: rules: %w", err)
	}
	if err := t.rules.check(); err != nil {
		return nil, fmt.Errorf("grading: rules: %w", err)
	}
	t.category = t.rules.categoryOfType()
	if err := t.read(elements); err != nil {
		return nil, fmt.Errorf("grading: element table: %w", err)
	}
	var err error
	t.followUp, err = loadTemplate("table/followup.json")
	return t, err
}

const columns = "id,kind,path,qualifier,element,category,I,S,OR,PB,NS,Q,level,integrity,deid,basis"

func (t *Table) read(elements []byte) error {
	r := csv.NewReader(bytes.NewReader(elements))
	r.Comment = '#'
	records, err := r.ReadAll()
	if err != nil {
		return err
	}
	if len(records) < 2 || strings.Join(records[0], ",") != columns {
		return fmt.Errorf("the columns are not %s", columns)
	}
	t.rows = make([]Row, len(records)-1) // rows are pointed at: no growth
	seen := map[string]string{}
	for i, rec := range records[1:] {
		row := &t.rows[i]
		if err := row.parse(rec, i); err != nil {
			return fmt.Errorf("row %s: %w", rec[0], err)
		}
		key := rec[1] + " " + row.Path + " " + row.Qualifier
		if other, double := seen[key]; double {
			return fmt.Errorf("rows %s and %s are for the same element", other, row.ID)
		}
		seen[key] = row.ID
		if level, q := t.rules.grade(row.Inputs, row.Category); level.String() != rec[12] || fmt.Sprintf("Q%d", q) != rec[13] {
			return fmt.Errorf("row %s states %s, %s, but the rules give %v, Q%d", row.ID, rec[12], rec[13], level, q)
		}
		if err := t.place(rec[1], row); err != nil {
			return fmt.Errorf("row %s: %w", row.ID, err)
		}
	}
	return nil
}

func (r *Row) parse(rec []string, number int) error {
	*r = Row{ID: rec[0], Path: rec[2], Qualifier: rec[3], Element: rec[4], Category: rec[5], Action: rec[14], Basis: rec[15], number: number}
	most := [...]uint64{3, 3, 3, 4, 4, 3}
	for i, p := range [...]*uint8{&r.I, &r.S, &r.OR, &r.PB, &r.NS, &r.Q} {
		n, err := strconv.ParseUint(rec[6+i], 10, 8)
		if err != nil || n > most[i] {
			return fmt.Errorf("input %d is %q, want 0 to %d", i+1, rec[6+i], most[i])
		}
		*p = uint8(n)
	}
	if len(r.Action) != 1 || !strings.Contains("XZPGSUCKN", r.Action) {
		return fmt.Errorf("unknown de-identification action %q", r.Action)
	}
	if r.Basis == "" {
		return fmt.Errorf("no basis is cited")
	}
	return nil
}

func (t *Table) place(kind string, r *Row) error {
	switch kind {
	case "fhir":
		return t.placeFHIR(r)
	case "dicom":
		t.dicom[r.Path] = append(t.dicom[r.Path], r)
	case "adapter":
		t.adapter[r.Path] = r
	default:
		return fmt.Errorf("unknown kind %q", kind)
	}
	return nil
}

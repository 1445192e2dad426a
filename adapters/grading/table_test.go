package grading_test

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"tenon/adapters/grading"
	"tenon/profiles/r4"
)

const head = "id,kind,path,qualifier,element,category,I,S,OR,PB,NS,Q,level,integrity,deid,basis\n"

func load(t testing.TB) *grading.Table {
	t.Helper()
	table, err := grading.Load()
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// Levels and integrity classes of the file are checked against the rules by
// Load; here the file is checked for what Load cannot know.
func TestTable(t *testing.T) {
	table := load(t)
	rows := table.Rows()
	ids := map[string]bool{}
	origins := 0
	for _, r := range rows {
		if ids[r.ID] {
			t.Errorf("id %s stands twice", r.ID)
		}
		ids[r.ID] = true
		if strings.HasPrefix(r.ID, "G") {
			origins++
		}
	}
	t.Run("R004-001 every element of the scheme has its row and category", func(t *testing.T) {
		if origins != 232 {
			t.Errorf("%d rows of the scheme, want 232", origins)
		}
		for _, r := range rows {
			if len(r.Category) != 2 || !strings.Contains("PHEDOSA", r.Category[:1]) {
				t.Errorf("row %s has category %q", r.ID, r.Category)
			}
		}
	})
	t.Run("R004-041 every attribute of DICOM has its category, level and action", func(t *testing.T) {
		attributes := 0
		for _, r := range rows {
			tag, err := strconv.ParseUint(r.Path, 16, 32)
			if r.Path == "private" {
				tag = 0x00291010
			} else if len(r.Path) != 8 || err != nil {
				continue
			}
			attributes++
			got := table.GradeDICOM([]grading.Attribute{{Tag: uint32(tag)}})
			if len(got.Categories) == 0 || got.Level == 0 || !strings.Contains("XZPGSUCKN", r.Action) {
				t.Errorf("%s (%s) has the grade %+v and the action %q", r.Path, r.Element, got, r.Action)
			}
		}
		if attributes < 62 {
			t.Errorf("%d attributes have a row, want the 62 of the scheme", attributes)
		}
	})
	t.Run("R004-017 every row cites its basis", func(t *testing.T) {
		for _, r := range rows {
			if r.Basis == "" {
				t.Errorf("row %s cites nothing", r.ID)
			}
		}
	})
	if table.Version() == "" {
		t.Error("the table has no version")
	}
}

// Whatever type a resource has, its elements without a row have a category.
func TestEveryTypeHasACategory(t *testing.T) {
	table := load(t)
	t.Run("R004-001 coverage of R4 is complete", func(t *testing.T) {
		types := r4.Model().Resources()
		if len(types) < 140 {
			t.Fatalf("%d types in R4", len(types))
		}
		rules, _ := os.ReadFile("table/rules.json")
		for _, typ := range types {
			if !strings.Contains(string(rules), `"`+typ+`"`) {
				t.Errorf("%s has no category", typ)
			}
			got := table.Grade(parse(t, `{"resourceType":"`+typ+`","unknownElement":1}`))
			if len(got.Categories) != 1 {
				t.Errorf("%s has categories %v, want one", typ, got.Categories)
			}
		}
	})
}

// The table of §3.3 and the matrix of §3.2, written out by hand: an element
// table of one row states a level, and Compile refuses any other.
func TestBaseRule(t *testing.T) {
	rules, err := os.ReadFile("table/rules.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ category, inputs, want string }{
		// personal harm, OR PB NS 0
		{"H1", "0,0,0,0,0,0", "L1,Q1"}, {"H1", "0,1,0,0,0,0", "L1,Q1"}, {"H1", "0,2,0,0,0,0", "L1,Q1"}, {"H1", "0,3,0,0,0,0", "L2,Q1"},
		{"H1", "1,0,0,0,0,1", "L1,Q2"}, {"H1", "1,1,0,0,0,1", "L2,Q2"}, {"H1", "1,2,0,0,0,1", "L2,Q2"}, {"H1", "1,3,0,0,0,1", "L3,Q2"},
		{"H1", "2,0,0,0,0,2", "L1,Q3"}, {"H1", "2,1,0,0,0,2", "L2,Q3"}, {"H1", "2,2,0,0,0,2", "L3,Q3"}, {"H1", "2,3,0,0,0,2", "L4,Q3"},
		{"H1", "3,0,0,0,0,3", "L4,Q4"}, {"H1", "3,1,0,0,0,3", "L4,Q4"}, {"H1", "3,2,0,0,0,3", "L4,Q4"}, {"H1", "3,3,0,0,0,3", "L5,Q4"},
		// organisations, public side, nation
		{"O2", "0,0,1,0,0,0", "L2,Q1"}, {"O2", "0,0,2,0,0,0", "L3,Q1"}, {"O2", "0,0,3,0,0,0", "L4,Q1"},
		{"E1", "0,0,0,1,0,0", "L3,Q1"}, {"E1", "0,0,0,2,0,0", "L4,Q1"}, {"E1", "0,0,0,3,0,0", "IMP,Q1"}, {"E1", "0,0,0,4,0,0", "COR,Q1"},
		{"E1", "0,0,0,0,1,0", "IMP,Q1"}, {"E1", "0,0,0,0,3,0", "COR,Q1"}, {"E1", "0,0,0,0,4,0", "COR,Q1"},
		// the highest object governs; floor and ceiling
		{"H1", "2,2,3,0,0,0", "L4,Q1"}, {"S1", "0,0,0,0,0,0", "L5,Q1"}, {"P4", "3,1,0,0,0,0", "L3,Q1"}, {"P4", "2,1,0,0,0,0", "L2,Q1"},
	} {
		t.Run("R004-011 R004-012 "+test.category+" "+test.inputs, func(t *testing.T) {
			row := "X1,fhir,Basic.code,,x," + test.category + "," + test.inputs + ",%,K,test\n"
			if _, err := grading.Compile([]byte(head+strings.Replace(row, "%", test.want, 1)), rules); err != nil {
				t.Errorf("Compile() = %v, want %s", err, test.want)
			}
			for _, wrong := range []string{"L1,Q1", "L2,Q1", "L3,Q2", "L4,Q4", "L5,Q4"} {
				if wrong == test.want {
					continue
				}
				if _, err := grading.Compile([]byte(head+strings.Replace(row, "%", wrong, 1)), rules); err == nil {
					t.Errorf("Compile() takes %s where the rules give %s", wrong, test.want)
				}
			}
		})
	}
}

// TestDifferentiation: what one element weighs depends on its category, its kind and
// its importance; no level is that of all.
func TestDifferentiation(t *testing.T) {
	levels, within := map[string]int{}, map[byte]map[string]bool{}
	total := 0
	elements, err := os.ReadFile("table/elements.csv")
	if err != nil {
		t.Fatal(err)
	}
	in := csv.NewReader(bytes.NewReader(elements))
	in.Comment, in.FieldsPerRecord = '#', -1
	rows, err := in.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	category, level := slices.Index(rows[0], "category"), slices.Index(rows[0], "level")
	for _, r := range rows[1:] {
		group := r[category][0]
		if within[group] == nil {
			within[group] = map[string]bool{}
		}
		within[group][r[level]] = true
		levels[r[level]]++
		total++
	}
	t.Run("R004-021 no level for all", func(t *testing.T) {
		if len(levels) < 4 {
			t.Errorf("the table knows the levels %v alone", levels)
		}
		for l, n := range levels {
			if 2*n > total {
				t.Errorf("%s is the level of %d of %d elements", l, n, total)
			}
		}
	})
	t.Run("R004-021 not one level for a category either", func(t *testing.T) {
		for _, group := range []byte("PHED") { // persons, health, equipment, devices
			if len(within[group]) < 2 {
				t.Errorf("all elements of %c have %v", group, within[group])
			}
		}
	})
	rules, err := os.ReadFile("table/rules.json")
	if err != nil {
		t.Fatal(err)
	}
	grades := func(inputs, want string) {
		t.Helper()
		if _, err := grading.Compile([]byte(head+"X1,fhir,Basic.code,,x,E1,"+inputs+","+want+",K,test\n"), rules); err != nil {
			t.Errorf("inputs %s: %v, want %s", inputs, err, want)
		}
	}
	t.Run("R004-010 R004-021 importance for economy and society alone changes the level", func(t *testing.T) {
		for pb, want := range []string{"L1,Q1", "L3,Q1", "L4,Q1", "IMP,Q1", "COR,Q1"} {
			grades(fmt.Sprintf("0,0,0,%d,0,0", pb), want)
		}
	})
	t.Run("R004-010 R004-021 importance for the nation alone changes the level", func(t *testing.T) {
		for _, c := range [][2]string{{"0", "L1,Q1"}, {"1", "IMP,Q1"}, {"3", "COR,Q1"}, {"4", "COR,Q1"}} {
			grades("0,0,0,0,"+c[0]+",0", c[1])
		}
	})
}

func TestCompileRefuses(t *testing.T) {
	elements, _ := os.ReadFile("table/elements.csv")
	rules, _ := os.ReadFile("table/rules.json")
	change := func(b []byte, old, new string) []byte {
		s := strings.Replace(string(b), old, new, 1)
		if s == string(b) {
			t.Fatalf("%q is not in the file", old)
		}
		return []byte(s)
	}
	for name, files := range map[string][2][]byte{
		"level that the rules do not give": {change(elements, "3,L4,Q4,X,GB/T", "3,L3,Q4,X,GB/T"), rules},
		"unknown kind":                     {change(elements, "G001,fhir", "G001,hl7"), rules},
		"input out of range":               {change(elements, "P1,3,1,0,0,0,3", "P1,4,1,0,0,0,3"), rules},
		"unknown action":                   {change(elements, "L4,Q4,X,", "L4,Q4,Y,"), rules},
		"two rows for one element":         {change(elements, "G002,fhir,Patient.identifier,national-id", "G002,fhir,Patient.name,"), rules},
		"missing column":                   {change(elements, ",qualifier,", ","), rules},
		"no version":                       {elements, change(rules, `"version": "0.2.0"`, `"version": ""`)},
		"unknown level":                    {elements, change(rules, `"IMP"`, `"L9"`)},
		"unknown member":                   {elements, change(rules, `"cell"`, `"sell"`)},
		"degree out of range":              {elements, change(rules, "[3, 3, 3, 4]", "[3, 3, 3, 5]")},
		"rules that are not JSON":          {elements, []byte("{")},
	} {
		if _, err := grading.Compile(files[0], files[1]); err == nil {
			t.Errorf("Compile(%s) = nil, want an error", name)
		}
	}
}

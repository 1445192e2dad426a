package r4_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"tenon/fhir/tree"
	"tenon/profiles/r4"
)

// Counts of what HL7 publishes, https://hl7.org/fhir/R4/downloads.html and
// https://terminology.hl7.org/7.0.1: the files of the two packages but R4's
// examples (four code systems and value sets "example…", two profiles, three
// search parameters and so on).
func TestLibraryCounts(t *testing.T) {
	want := map[string]int{
		"StructureDefinition": 653 + 9, "ValueSet": 1311 + 2499, "CodeSystem": 1060 + 897, "ConceptMap": 79,
		"SearchParameter": 1397, "OperationDefinition": 46, "CompartmentDefinition": 5, "CapabilityStatement": 5, "NamingSystem": 660,
	}
	got := map[string]int{}
	for r := range r4.Library().All("") {
		got[r.Type]++
	}
	for typ, n := range want {
		if got[typ] != n {
			t.Errorf("the library holds %d %s, want %d", got[typ], typ, n)
		}
	}
	if len(got) != len(want) {
		t.Errorf("the library holds %v, want the types of %v", got, want)
	}
}

func TestLibraryHoldsEveryType(t *testing.T) {
	m, lib := r4.Model(), r4.Library()
	for _, name := range append(m.Resources(), "Element", "Resource", "DomainResource", "BackboneElement", "Extension", "HumanName", "Quantity",
		"Age", "ElementDefinition", "string", "boolean", "xhtml", "positiveInt", "Narrative") {
		sd := lib.Find("StructureDefinition", "http://hl7.org/fhir/StructureDefinition/"+name)
		if sd == nil {
			t.Errorf("there is no StructureDefinition of %s", name)
			continue
		}
		if sd.Of != name || sd.Derivation == "constraint" || sd.Version != "4.0.1" {
			t.Errorf("%s defines %q by %q in version %q", sd.URL, sd.Of, sd.Derivation, sd.Version)
		}
	}
}

func TestLibraryFind(t *testing.T) {
	for _, tc := range []struct{ name, typ, canonical, version, pack string }{
		{"profile", "StructureDefinition", "http://hl7.org/fhir/StructureDefinition/bp", "4.0.1", "hl7.fhir.r4.core#4.0.1"},
		{"profile and version", "StructureDefinition", "http://hl7.org/fhir/StructureDefinition/vitalsigns|4.0.1", "4.0.1", "hl7.fhir.r4.core#4.0.1"},
		{"part of the version", "StructureDefinition", "http://hl7.org/fhir/StructureDefinition/lipidprofile|4.0", "4.0.1", "hl7.fhir.r4.core#4.0.1"},
		{"extension", "StructureDefinition", "http://hl7.org/fhir/StructureDefinition/patient-birthPlace", "4.0.1", "hl7.fhir.r4.core#4.0.1"},
		{"extension published under another host", "StructureDefinition", "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris", "4.0.1", "hl7.fhir.r4.core#4.0.1"},
		{"value set", "ValueSet", "http://hl7.org/fhir/ValueSet/administrative-gender|4.0.1", "4.0.1", "hl7.fhir.r4.core#4.0.1"},
		{"a name that begins like an example", "ValueSet", "http://hl7.org/fhir/ValueSet/examplescenario-actor-type", "4.0.1", "hl7.fhir.r4.core#4.0.1"},
		{"the newer publication", "CodeSystem", "http://terminology.hl7.org/CodeSystem/v3-MaritalStatus", "3.0.0", "hl7.terminology.r4#7.0.1"},
		{"R4's copy by its version", "CodeSystem", "http://terminology.hl7.org/CodeSystem/v3-MaritalStatus|2018-08-12", "2018-08-12", "hl7.fhir.r4.core#4.0.1"},
		{"R4's copy where codes were taken away", "CodeSystem", "http://terminology.hl7.org/CodeSystem/adverse-event-seriousness", "4.0.1", "hl7.fhir.r4.core#4.0.1"},
		{"old HL7 v2 table", "CodeSystem", "http://terminology.hl7.org/CodeSystem/v2-0360|2.7", "2.7", "hl7.fhir.r4.core#4.0.1"},
		{"only in R4", "CodeSystem", "http://terminology.hl7.org/CodeSystem/medication-admin-status", "4.0.1", "hl7.fhir.r4.core#4.0.1"},
		{"DICOM", "CodeSystem", "http://dicom.nema.org/resources/ontology/DCM", "01", "hl7.fhir.r4.core#4.0.1"},
		{"concept map", "ConceptMap", "http://hl7.org/fhir/ConceptMap/cm-administrative-gender-v3", "4.0.1", "hl7.fhir.r4.core#4.0.1"},
		{"search parameter", "SearchParameter", "http://hl7.org/fhir/SearchParameter/individual-birthdate", "4.0.1", "hl7.fhir.r4.core#4.0.1"},
		{"operation", "OperationDefinition", "http://hl7.org/fhir/OperationDefinition/Resource-validate", "4.0.1", "hl7.fhir.r4.core#4.0.1"},
		{"compartment", "CompartmentDefinition", "http://hl7.org/fhir/CompartmentDefinition/patient", "4.0.1", "hl7.fhir.r4.core#4.0.1"},
		{"naming system", "NamingSystem", "http://terminology.hl7.org/NamingSystem/v3-ucum", "3.0.0", "hl7.terminology.r4#7.0.1"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := r4.Library().Find(tc.typ, tc.canonical)
			if r == nil {
				t.Fatalf("Find(%s) finds nothing", tc.canonical)
			}
			if r.Version != tc.version || r.Package != tc.pack {
				t.Errorf("Find(%s) = %s of %s, want version %s of %s", tc.canonical, r.Canonical(), r.Package, tc.version, tc.pack)
			}
		})
	}
	for _, canonical := range []string{
		"http://hl7.org/fhir/CodeSystem/example", "http://hl7.org/fhir/CodeSystem/example-supplement",
		"http://terminology.hl7.org/CodeSystem/v3-MaritalStatus|9", "http://snomed.info/sct/",
	} {
		if r := r4.Library().Find("CodeSystem", canonical); r != nil {
			t.Errorf("Find(%s) = %s, want nothing", canonical, r.Canonical())
		}
	}
}

// Every entry is one strict JSON document that says of itself what the index
// says, and nothing in it became empty.
func TestLibraryParses(t *testing.T) {
	var doc tree.Doc
	for r := range r4.Library().All("") {
		body, err := r.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		if err := doc.Parse(body, tree.Limits{}); err != nil {
			t.Errorf("%s: %v", r.Canonical(), err)
			continue
		}
		n := doc.Root()
		for field, want := range map[string]string{"resourceType": r.Type, "id": r.ID, "name": r.Name, "status": r.Status} {
			if got := n.Field(field).Str(); got != want {
				t.Errorf("%s %s: %s = %q, the index says %q", r.Type, r.Canonical(), field, got, want)
			}
		}
		for field, want := range map[string]string{"url": r.URL, "type": r.Of, "derivation": r.Derivation, "kind": r.Kind} {
			if got := n.Field(field).Str(); r.Type == "StructureDefinition" && got != want {
				t.Errorf("%s: %s = %q, the index says %q", r.Canonical(), field, got, want)
			}
		}
		if holdsEmpty(n) || n.Field("text").Exists() {
			t.Errorf("%s holds an empty value or a narrative", r.Canonical())
		}
	}
}

func holdsEmpty(n tree.Node) bool {
	if n.Kind() != tree.Object && n.Kind() != tree.Array {
		return n.Kind() == tree.String && n.Str() == ""
	}
	for child := n.First(); child.Exists(); child = child.Next() {
		if holdsEmpty(child) {
			return true
		}
	}
	return n.Len() == 0
}

// A definition of a type that was stripped is still what the model says: each
// element of a snapshot with its cardinality and types.
func TestLibrarySnapshots(t *testing.T) {
	m := r4.Model()
	for r := range r4.Library().All("StructureDefinition") {
		n, err := r.Node()
		if err != nil {
			t.Fatal(err)
		}
		elements := n.Path("snapshot", "element")
		if elements.Len() == 0 || n.Path("differential", "element").Len() == 0 && r.Derivation == "constraint" {
			t.Errorf("%s has no snapshot or no differential", r.URL)
		}
		for e := range elements.Items() {
			if !e.Field("min").Exists() || !e.Field("max").Exists() || !e.Field("definition").Exists() && !strings.HasSuffix(r.URL, "/oauth-uris") {
				t.Errorf("%s: %s lacks min, max or definition", r.URL, e.Field("path").Str())
			}
		}
		if r.Kind == "resource" && r.Derivation == "specialization" && m.Type(r.Of) == nil {
			t.Errorf("the model has no type %s", r.Of)
		}
	}
}

// Whatever of HL7's own terminology the library names with a version, it holds
// in that version, so that it can be judged.
func TestLibraryHoldsWhatItNames(t *testing.T) {
	lib := r4.Library()
	holds := func(typ, canonical, by string) {
		url, version, _ := strings.Cut(canonical, "|")
		if version != "" && strings.HasPrefix(url, "http://terminology.hl7.org/") && lib.Find(typ, url) != nil && lib.Find(typ, canonical) == nil {
			t.Errorf("%s names %s, which is not there", by, canonical)
		}
	}
	for r := range lib.All("ValueSet") {
		n, err := r.Node()
		if err != nil {
			t.Fatal(err)
		}
		for include := range n.Path("compose", "include").Items() {
			if version := include.Field("version").Str(); version != "" {
				holds("CodeSystem", include.Field("system").Str()+"|"+version, r.URL)
			}
			holds("CodeSystem", include.Field("system").Str(), r.URL)
		}
	}
	for r := range lib.All("StructureDefinition") {
		n, err := r.Node()
		if err != nil {
			t.Fatal(err)
		}
		for e := range n.Path("snapshot", "element").Items() {
			valueSet := e.Path("binding", "valueSet").Str()
			holds("ValueSet", valueSet, r.URL)
			if valueSet == "http://hl7.org/fhir/ValueSet/ucum-vitals-common|4.0.1" && e.Field("path").Str() == "Observation.component.value[x]" &&
				e.Path("binding", "strength").Str() != "extensible" {
				t.Errorf("%s: the units of components are bound too tightly", r.URL)
			}
		}
	}
}

func TestLibraryConcurrent(t *testing.T) {
	var all []string
	for r := range r4.Library().All("ValueSet") {
		all = append(all, r.Canonical())
	}
	var wait sync.WaitGroup
	for worker := range 4 {
		wait.Go(func() {
			for i := worker; i < len(all); i += 37 {
				r := r4.Library().Find("ValueSet", all[i])
				n, err := r.Node()
				if err != nil || n.Field("url").Str() != r.URL {
					t.Errorf("Find(%s) reads %q, %v", all[i], n.Field("url").Str(), err)
				}
			}
		})
	}
	wait.Wait()
}

// The files in the repository are what the generator makes of the packages.
func TestGenerated(t *testing.T) {
	pack, terminology := os.Getenv("TENON_R4_PACKAGE"), os.Getenv("TENON_THO_PACKAGE")
	if pack == "" || terminology == "" {
		t.Skip("TENON_R4_PACKAGE and TENON_THO_PACKAGE do not name the unpacked packages")
	}
	dir := t.TempDir()
	if out, err := exec.Command("go", "run", "./generate", "-package", pack, "-terminology", terminology, "-out", dir).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, name := range []string{"definitions.json.gz", "library.tsv", "library.bin"} {
		made, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if here, err := os.ReadFile(name); err != nil || !bytes.Equal(here, made) {
			t.Errorf("%s is not what the generator makes (%v)", name, err)
		}
	}
}

var sink any

// What a start pays: the index, in time and in memory that stays.
func BenchmarkLibraryIndex(b *testing.B) {
	b.ReportAllocs()
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	kept := r4.ReadLibrary()
	runtime.GC()
	runtime.ReadMemStats(&after)
	sink = kept
	for b.Loop() {
		sink = r4.ReadLibrary()
	}
	b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/(1<<20), "MB-kept")
	runtime.KeepAlive(kept)
}

func BenchmarkLibraryNode(b *testing.B) {
	for _, bench := range []struct{ name, canonical string }{
		{"Observation", "http://hl7.org/fhir/StructureDefinition/Observation"},
		{"birthPlace", "http://hl7.org/fhir/StructureDefinition/patient-birthPlace"},
	} {
		r := r4.Library().Find("StructureDefinition", bench.canonical)
		b.Run(bench.name, func(b *testing.B) {
			for b.Loop() {
				if _, err := r.Node(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	all := make([]interface{ Bytes() ([]byte, error) }, 0, 700)
	for r := range r4.Library().All("StructureDefinition") {
		all = append(all, r)
	}
	b.Run("inflate", func(b *testing.B) { // each from another block than the last
		for i := 0; b.Loop(); i += 53 {
			if _, err := all[i%len(all)].Bytes(); err != nil {
				b.Fatal(err)
			}
		}
	})
}

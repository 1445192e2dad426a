package validate_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"tenon/fhir/definition"
	"tenon/fhir/tree"
	"tenon/fhir/validate"
)

// TestText: what text may hold beyond its grammar.
func TestText(t *testing.T) {
	strict := &validate.Options{Markup: true, PlainMarkdown: true}
	for _, tc := range []struct {
		typ, members, want string
		o                  *validate.Options
	}{
		{"Patient", `"name":[{"text":"<b>x</b>"}]`, "Patient.name[0].text text-markup", strict},
		{"Patient", `"name":[{"text":"x <script>alert(1)</script>"}]`, "Patient.name[0].text text-markup", strict},
		{"Patient", `"name":[{"text":"a </p> b"}]`, "Patient.name[0].text text-markup", strict},
		{"Patient", `"name":[{"text":"<b>x</b>"}]`, "", nil},
		{"Patient", `"name":[{"text":"1 < 2 and 3 > 2"}]`, "", strict},
		{"Patient", `"name":[{"text":"a <- b"}]`, "", strict},
		{"Patient", `"name":[{"text":"<"}]`, "", strict},
		{"Observation", `"note":[{"text":"a <br/> b"}]`, "Observation.note[0].text text-markup", strict},
		{"Observation", `"note":[{"text":"a <br/> b"}]`, "", &validate.Options{Markup: true}},
		{"Patient", `"identifier":[{"system":"urn:uuid:C757873D-EC9A-4326-A141-556F43239520","value":"1"}]`, "Patient.identifier[0].system uuid-form", nil},
		{"Patient", `"identifier":[{"system":"urn:uuid:c757873d-ec9a-4326-a141","value":"1"}]`, "Patient.identifier[0].system uuid-form", nil},
		{"Patient", `"identifier":[{"system":"urn:uuid:c757873d-ec9a-4326-a141-556f43239520","value":"1"}]`, "", nil},
		{"Patient", `"identifier":[{"system":"urn:oid:1.2.x","value":"1"}]`, "Patient.identifier[0].system oid-form", nil},
		{"Patient", `"identifier":[{"system":"urn:oid:1.2.3","value":"1"}]`, "", nil},
		{"Questionnaire", `"derivedFrom":["urn:uuid:c757873d-ec9a-4326-a141-556f43239520|1.0"]`, "", nil},
	} {
		t.Run(tc.members, func(t *testing.T) { fault(t, whole(), with(tc.typ, tc.members), tc.want, tc.o) })
	}
}

// TestExperimental: experimental definitions are refused on demand.
func TestExperimental(t *testing.T) {
	src := with("ValueSet", `"experimental":true`)
	fault(t, whole(), src, "", nil)
	fault(t, whole(), src, "ValueSet experimental", &validate.Options{NoExperimental: true})
	fault(t, whole(), with("ValueSet", `"experimental":false`), "", &validate.Options{NoExperimental: true})
}

// TestGlobal: a guide's profile holds for all resources of its type.
func TestGlobal(t *testing.T) {
	s := setOf(profileOf("named", "Patient", `{"id":"Patient"},{"id":"Patient.name","min":1}`),
		define(`{"resourceType":"ImplementationGuide","url":"http://tenon.test/ig","status":"active","global":[{"type":"Patient","profile":"`+own+`named"},{"type":"Group","profile":"http://tenon.test/nowhere"}]}`))
	fault(t, s, with("Patient", ``), "Patient profile-min", nil)
	fault(t, s, with("Patient", `"name":[{"text":"x"}]`), "", nil)
	fault(t, s, with("Group", ``), "", nil)
}

// TestDuration: bounds that move with the time of the request.
func TestDuration(t *testing.T) {
	s := setOf(profileOf("p", "Patient", `{"id":"Patient"},{"id":"Patient.birthDate","minValueDuration":{"value":100,"system":"http://unitsofmeasure.org","code":"a"},"maxValueDuration":{"value":2,"system":"http://unitsofmeasure.org","code":"mo"}}`))
	for _, tc := range []struct{ born, want string }{
		{"1926-03-01", ""}, {"1926-02-28", "Patient.birthDate min-value"}, {"1925", "Patient.birthDate min-value"}, {"1926", ""},
		{"2026-05-01", ""}, {"2026-05-02", "Patient.birthDate max-value"}, {"2026-06", "Patient.birthDate max-value"},
	} {
		fault(t, s, claim(with("Patient", `"birthDate":"`+tc.born+`"`), "p"), tc.want, nil)
	}
	fault(t, s, claim(with("Patient", `"birthDate":"1800"`), "p"), "", &validate.Options{}) // without a time nothing can be said
}

// TestUnknownExtensionSlice: a slice of extensions is told by the URL of its
// definition, be that known or not.
func TestUnknownExtensionSlice(t *testing.T) {
	s := setOf(profileOf("p", "Patient", `{"id":"Patient"},{"id":"Patient.extension","slicing":{"discriminator":[{"type":"value","path":"url"}],"rules":"open"},"min":0},
		{"id":"Patient.extension:e","min":0,"max":"1","type":[{"code":"Extension","profile":["http://tenon.test/unknown"]}]}`))
	one := `{"url":"http://tenon.test/unknown","valueCode":"a"}`
	fault(t, s, claim(with("Patient", `"extension":[`+one+`]`), "p"), "", nil)
	fault(t, s, claim(with("Patient", `"extension":[`+one+`,`+one+`]`), "p"), "Patient slice-max", nil)
}

// TestSiblingAlone: a choice that has only extensions is there.
func TestSiblingAlone(t *testing.T) {
	s := setOf(profileOf("p", "Observation", `{"id":"Observation"},{"id":"Observation.value[x]","min":1,"type":[{"code":"string"}]}`))
	fault(t, s, claim(with("Observation", `"_valueString":{"extension":[{"url":"http://hl7.org/fhir/StructureDefinition/data-absent-reason","valueCode":"unknown"}]}`), "p"), "", nil)
	fault(t, s, claim(with("Observation", ``), "p"), "Observation profile-min", nil)
}

// TestHostile: definitions and documents that are made to cost much end in time
// and without a crash.
func TestHostile(t *testing.T) {
	deep := func(n int) string {
		var b strings.Builder
		b.WriteString(`{"id":"Questionnaire"}`)
		path := "Questionnaire"
		for range n {
			path += ".item"
			fmt.Fprintf(&b, `,{"id":"%s","min":1}`, path)
		}
		return b.String()
	}
	slices := func(n int) string {
		var b strings.Builder
		b.WriteString(`{"id":"Patient"},{"id":"Patient.identifier","slicing":{"discriminator":[{"type":"value","path":"system"},{"type":"profile","path":"$this"}],"rules":"open"}}`)
		for i := range n {
			fmt.Fprintf(&b, `,{"id":"Patient.identifier:s%d","min":0},{"id":"Patient.identifier:s%d.system","fixedUri":"http://t/%d"}`, i, i, i)
		}
		return b.String()
	}
	invariants := func(n int) string {
		var list []string
		for i := range n {
			list = append(list, fmt.Sprintf(`{"key":"k%d","severity":"error","human":"x","expression":"%d < 0 or descendants().descendants().where($this.descendants().count() > 0).count() >= 0"}`, i, i))
		}
		return `{"id":"Patient","constraint":[` + strings.Join(list, ",") + `]}`
	}
	many := `"identifier":[` + strings.Repeat(`{"system":"http://t/x","value":"1"},`, 999) + `{"system":"http://t/y","value":"1"}]`
	regex := `{"id":"Patient","constraint":[{"key":"r","severity":"error","human":"x","expression":"name.family.matches('(a+)+$')"}]}`
	for _, tc := range []struct {
		name     string
		profiles []*definition.Resource
		src      string
	}{
		{"deep profile", []*definition.Resource{snapshotOf("p", "Questionnaire", deep(800))}, with("Questionnaire", `"item":[{"linkId":"1","type":"string"}]`)},
		{"many slices, many values", []*definition.Resource{snapshotOf("p", "Patient", slices(1000))}, with("Patient", many)},
		{"many dear invariants", []*definition.Resource{snapshotOf("p", "Patient", invariants(300))}, with("Patient", many)},
		{"hostile regular expression", []*definition.Resource{snapshotOf("p", "Patient", regex)}, with("Patient", `"name":[{"family":"`+strings.Repeat("a", 20000)+`!"}]`)},
		{"profile of itself", []*definition.Resource{profileOf("p", "Patient", `{"id":"Patient"},{"id":"Patient.contained","type":[{"code":"Patient","profile":["`+own+`p"]}]},{"id":"Patient.link.other","type":[{"code":"Reference","targetProfile":["`+own+`p"]}]}`)},
			with("Patient", `"contained":[{"resourceType":"Patient","id":"a","link":[{"other":{"reference":"#"},"type":"seealso"},{"other":{"reference":"#a"},"type":"seealso"}]}],"link":[{"other":{"reference":"#a"},"type":"seealso"}]`)},
		{"base of itself", []*definition.Resource{derived("p", "Patient", own+"p", `{"id":"Patient"},{"id":"Patient.name","min":1}`)}, with("Patient", ``)},
		{"bases in a circle", []*definition.Resource{derived("p", "Patient", own+"q", `{"id":"Patient"}`), derived("q", "Patient", own+"p", `{"id":"Patient"}`)}, with("Patient", ``)},
	} {
		t.Run(tc.name, func(t *testing.T) {
			plan, err := setOf(tc.profiles...).Plan("Resource")
			if err != nil {
				t.Fatal(err)
			}
			d, err := tree.Parse([]byte(claim(tc.src, "p")))
			if err != nil {
				t.Fatal(err)
			}
			start := time.Now()
			plan.Validate(d.Root(), &validate.Options{Now: now})
			if took := time.Since(start); took > 20*time.Second {
				t.Errorf("it took %v", took)
			} else {
				t.Log(took)
			}
		})
	}
}

// snapshotOf is profileOf with the elements as its snapshot.
func snapshotOf(name, typ, elements string) *definition.Resource {
	r := profileOf(name, typ, elements)
	body, err := r.Bytes()
	if err != nil {
		panic(err)
	}
	o := read(string(body))
	o["snapshot"] = o["differential"]
	delete(o, "differential")
	return define(write(o))
}

package revision_test

import (
	"fmt"
	"strings"
	"testing"

	"tenon/fhir/issue"
	"tenon/server/record"
)

func composite(code, base, expression string, components ...string) string {
	var parts []string
	for i := 0; i < len(components); i += 2 {
		parts = append(parts, fmt.Sprintf(`{"definition":%q,"expression":%q}`, components[i], components[i+1]))
	}
	return fmt.Sprintf(`{"resourceType":"SearchParameter","url":"http://tenon.test/%s","name":"x","status":"active","description":"d","code":%q,"base":[%q],`+
		`"type":"composite","expression":%q,"component":[%s]}`, code, code, base, expression, strings.Join(parts, ","))
}

const hl7 = "http://hl7.org/fhir/SearchParameter/"

// https://hl7.org/fhir/R4/searchparameter-definitions.html#SearchParameter.component
func TestPostedComposite(t *testing.T) {
	onEngines(t, func(t *testing.T, url string) {
		var c clock
		h := open(t, url, &c)
		telecom := func(system, value, use string) string {
			return fmt.Sprintf(`{"system":%q,"value":%q,"use":%q}`, system, value, use)
		}
		patient := func(telecoms ...string) {
			h.post(`{"resourceType":"Patient","name":[{"family":"Wang","given":["Li"]},{"family":"Li","given":["Wang"]}],"telecom":[` + strings.Join(telecoms, ",") + `]}`)
		}
		use := strings.NewReplacer("test/nick", "test/use", `"nick"`, `"use"`, `"string"`, `"token"`, "Patient.name.where(use = 'nickname').given", "Patient.telecom.use").Replace(nickname)
		patient(telecom("phone", "1", "home"), telecom("phone", "2", "work"))
		h.post(use)
		id := h.post(composite("phone-use", "Patient", "Patient.telecom", hl7+"individual-phone", "value", "http://tenon.test/use", "use"))
		patient(telecom("phone", "1", "work"))

		h.want("Patient?phone-use=1$home", 1)
		h.want("Patient?phone-use=1$work", 1)
		h.want("Patient?phone-use=2$home", 0) // of two elements
		h.want("Patient?phone-use=2$work,1$work", 2)
		h.want("Patient?phone-use=3$work", 0)
		h.want("Patient?phone-use:missing=true", 0)
		h.want("Patient?_has:Observation:patient:code=x&phone-use=1$home", 0)

		t.Run("with functions in its expressions", func(t *testing.T) {
			h.post(composite("official", "Patient", "Patient.name.where(family.exists())", hl7+"individual-family", "family", hl7+"individual-given", "given.where($this != 'Li')"))
			h.want("Patient?official=li$wang", 2)
			h.want("Patient?official=wang$li", 0)
			h.post(composite("wide", "Observation", "Observation", hl7+"clinical-code", "code", hl7+"Observation-value-quantity", "value.ofType(Quantity)"))
			h.post(`{"resourceType":"Observation","status":"final","code":{"coding":[{"system":"urn:c","code":"w"}]},"valueQuantity":{"value":3,"system":"http://unitsofmeasure.org","code":"g"}}`)
			h.want("Observation?wide=w$gt2.5", 1)
			h.want("Observation?wide=w$3000|http://unitsofmeasure.org|mg", 1)
			h.want("Observation?wide=w$lt2", 0)
			h.want("Observation?wide=v$3", 0)
		})
		t.Run("what it is made of goes and comes back", func(t *testing.T) {
			list := h.named("http://tenon.test/use")
			h.delete(list)
			h.want("Patient?phone-use=1$home", "search-unknown-parameter")
			patient(telecom("phone", "1", "home")) // without rows
			h.put(list, use)
			h.complete()
			h.want("Patient?phone-use=1$home", 2)
		})
		t.Run("a component of another type", func(t *testing.T) {
			h.put(h.named("http://tenon.test/use"), strings.Replace(use, `"token"`, `"string"`, 1))
			h.complete()
			h.want("Patient?phone-use=1$HOM", 2) // as a string begins
		})
		t.Run("changed", func(t *testing.T) {
			h.put(id, composite("phone-use", "Patient", "Patient.telecom.where(system='email')", hl7+"individual-phone", "value", "http://tenon.test/use", "use"))
			h.want("Patient?phone-use=1$home", 0)
		})
		for name, body := range map[string]string{
			"one component":         composite("bad", "Patient", "Patient.telecom", hl7+"individual-phone", "value"),
			"an unknown component":  composite("bad", "Patient", "Patient.telecom", hl7+"individual-phone", "value", "http://tenon.test/none", "use"),
			"of another type":       composite("bad", "Patient", "Patient.telecom", hl7+"individual-phone", "value", hl7+"Device-type", "use"),
			"an element that lacks": composite("bad", "Patient", "Patient.telecom", hl7+"individual-phone", "number", "http://tenon.test/use", "use"),
			"a broken focus":        composite("bad", "Patient", "Patient.telecom.where(", hl7+"individual-phone", "value", "http://tenon.test/use", "use"),
			"another resource":      composite("bad", "Patient", "Person.telecom", hl7+"individual-phone", "value", "http://tenon.test/use", "use"),
			"a uri":                 composite("bad", "Patient", "Patient", hl7+"Resource-profile", "meta.profile", "http://tenon.test/use", "telecom.use"),
		} {
			t.Run("refuses "+name, func(t *testing.T) {
				_, err := h.Submit(t.Context(), operator, &record.Draft{Door: "test", Operation: "write", Ops: []record.Op{{Method: "POST", Type: "SearchParameter", Body: []byte(body)}}})
				f := issue.As(err)
				if f == nil || f.Status != 422 || !strings.HasPrefix(f.Issues[0].Path, "SearchParameter") {
					t.Errorf("got %v, want 422 with the element", err)
				}
				h.want("Patient?bad=1$2", "search-unknown-parameter")
			})
		}
	})
}

// named is the id of the SearchParameter of a URL.
func (h *house) named(url string) string {
	h.Helper()
	all, err := h.keeper.Status(h.Context())
	if err != nil {
		h.Fatal(err)
	}
	for _, s := range all {
		if s.URL == url {
			return strings.TrimPrefix(s.Name, "SearchParameter/")
		}
	}
	h.Fatalf("no parameter %s", url)
	return ""
}

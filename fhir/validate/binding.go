package validate

// https://hl7.org/fhir/R4/terminologies.html#required

import (
	"fmt"
	"strings"

	"tenon/fhir/issue"
	"tenon/fhir/tree"
)

// code reports a code that is not in the required value set.
func (w *walker) code(n tree.Node, prop *property) {
	vs := prop.element.Binding.ValueSet
	codes, _ := w.set.model.Codes(vs)
	w.add(issue.CodeInvalid, "binding-required", fmt.Sprintf("found the code %s, expected one of %s (%s)", raw(n), some(codes), vs),
		fmt.Sprintf("代码为 %s，应为 %s 之一（%s）", raw(n), some(codes), vs))
}

// concept wants a CodeableConcept to have one coding of the required value set.
func (w *walker) concept(n tree.Node, prop *property) {
	codings := n.Field("coding")
	if prop.element.Type.Name == "Coding" {
		codings = n
	}
	for coding := range codings.Items() {
		if w.set.model.HasCode(prop.concept, coding.Field("system").Str(), coding.Field("code").Str()) {
			return
		}
	}
	var codes []string
	for _, s := range w.set.model.Systems(prop.concept) {
		for _, c := range s.Codes {
			codes = append(codes, s.URL+"|"+c)
		}
	}
	w.add(issue.CodeInvalid, "binding-required", fmt.Sprintf("found no coding of the required value set %s, expected one of %s", prop.concept, some(codes)),
		fmt.Sprintf("没有取自必需值集 %s 的编码，应为 %s 之一", prop.concept, some(codes)))
}

// some names the first codes of a set.
func some(codes []string) string {
	const most = 12
	if len(codes) > most {
		return strings.Join(codes[:most], ", ") + ", …"
	}
	return strings.Join(codes, ", ")
}

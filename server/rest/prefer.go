package rest

import (
	"strings"

	"tenon/fhir/issue"
)

// prefer is what the header Prefer asks for.
// https://hl7.org/fhir/R4/http.html#ops and https://www.rfc-editor.org/rfc/rfc7240
type prefer struct {
	ret     string // minimal, representation, OperationOutcome or ""
	strict  bool   // handling=strict
	lenient bool   // handling=lenient
	async   bool   // respond-async
}

// readPrefer reads the headers. Preferences that are not known are passed over,
// as RFC 7240 asks; a known one with a value that does not exist is an error,
// because the client would get something else than it believes.
func readPrefer(headers []string) (prefer, error) {
	var p prefer
	for _, h := range headers {
		for _, item := range strings.FieldsFunc(h, func(r rune) bool { return r == ',' || r == ';' }) {
			name, value, _ := strings.Cut(strings.TrimSpace(item), "=")
			value = strings.Trim(strings.TrimSpace(value), `"`)
			switch strings.ToLower(strings.TrimSpace(name)) {
			case "return":
				if value != "minimal" && value != "representation" && value != "OperationOutcome" {
					return p, badPrefer("return", value, "minimal, representation, OperationOutcome")
				}
				p.ret = value
			case "handling":
				if value != "strict" && value != "lenient" {
					return p, badPrefer("handling", value, "strict, lenient")
				}
				p.strict, p.lenient = value == "strict", value == "lenient"
			case "respond-async":
				p.async = true
			}
		}
	}
	return p, nil
}

func badPrefer(name, value, allowed string) error {
	return issue.Errorf(issue.Invalid, "Prefer: %s=%q is not known; use one of %s.", name, value, allowed).
		At("Prefer").Rule("http-prefer").Chinese("Prefer 头的取值无效。")
}

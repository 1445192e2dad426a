package oauth

import (
	"strings"
	"testing"
)

// FuzzReadState: whatever an app posts, what is taken has one code and a subject of
// this server.
func FuzzReadState(f *testing.F) {
	for _, text := range []string{
		`{"resourceType":"Basic","code":{"coding":[{"system":"https://app.test","code":"x"}]},"subject":{"reference":"https://ehr.test/fhir/Patient/1"},"extension":[{"url":"u","valueString":"v"}]}`,
		`{"resourceType":"Basic","code":{"coding":[{"system":"https://app.test","code":"x"}]}}`,
		`{"resourceType":"Basic","code":{"coding":[]},"code":{}}`, `{"RESOURCETYPE":"Basic"}`, `[]`, `{"meta":{"versionId":{}}}`,
	} {
		f.Add([]byte(text))
	}
	s := &Server{Options: Options{Base: "https://ehr.test/fhir"}}
	f.Fuzz(func(t *testing.T, text []byte) {
		b, subject, err := s.readState(text)
		if err != nil {
			return
		}
		if c := b.coding(); b.ResourceType != "Basic" || c.System == "" || c.Code == "" || len(b.Code.Coding) != 1 {
			t.Errorf("%q is taken as %+v", text, b)
		}
		if subject != "" && b.Subject.Reference != s.Base+"/"+subject || strings.Count(subject, "/") > 1 {
			t.Errorf("%q is about %q", text, subject)
		}
	})
}

package record_test

import (
	"fmt"
	"strings"
	"testing"

	"tenon/server/record"
)

const animals = `{"resourceType":"CodeSystem","url":"http://tenon.test/animals","name":"Animals","status":"active","content":"complete","caseSensitive":true,` +
	`"hierarchyMeaning":"is-a","concept":[{"code":"animal","concept":[{"code":"dog","concept":[{"code":"poodle"}]},{"code":"cat"}]},{"code":"plant"}]}`

const pets = `{"resourceType":"ValueSet","url":"http://tenon.test/ValueSet/pets","status":"active","compose":{"include":[` +
	`{"system":"http://tenon.test/animals","concept":[{"code":"dog"},{"code":"cat"}]},{"system":"http://tenon.test/other","concept":[{"code":"poodle"}]}]}}`

// TestModifiersOfCodes is https://hl7.org/fhir/R4/search.html#modifiers on both
// engines.
func TestModifiersOfCodes(t *testing.T) {
	for engine, open := range map[string]func(*testing.T) string{"SQLite": liteURL, "PostgreSQL": postgresURL} {
		t.Run(engine, func(t *testing.T) {
			s := newDefining(t, open(t), record.Validation{})
			s.must(operator, post(animals))
			s.must(operator, post(pets))
			ids := map[string]string{}
			for _, code := range []string{"animal", "dog", "poodle", "cat", "plant"} {
				body := fmt.Sprintf(`{"resourceType":"Basic","code":{"coding":[{"system":"http://tenon.test/animals","code":%q}]}}`, code)
				ids[s.must(clin, post(body)).ID] = code
			}
			ids[s.must(clin, post(`{"resourceType":"Basic","code":{"text":"no code"}}`)).ID] = "none"
			for _, tt := range []struct{ query, want string }{
				{"code:in=http://tenon.test/ValueSet/pets", "dog cat"},
				{"code:not-in=http://tenon.test/ValueSet/pets", "animal poodle plant none"},
				{"code:below=http://tenon.test/animals|dog", "dog poodle"},
				{"code:below=http://tenon.test/animals|animal", "animal dog poodle cat"},
				{"code:above=http://tenon.test/animals|poodle", "animal dog poodle"},
				{"code:above=http://tenon.test/animals|plant", "plant"},
				{"code:below=http://tenon.test/animals|dog,http://tenon.test/animals|plant", "dog poodle plant"},
				{"code:in=http://tenon.test/ValueSet/pets&code:below=http://tenon.test/animals|dog", "dog"},
				{"code:in=http://tenon.test/ValueSet/none", "!"},
				{"code:below=http://tenon.test/animals|bird", "!"},
				{"code:below=http://tenon.test/none|dog", "!"},
				{"code:below=dog", "!"},
				{"identifier:in=http://tenon.test/ValueSet/pets", "!"},
			} {
				got := s.found("Basic", tt.query)
				var codes []string
				for _, id := range strings.Fields(got) {
					codes = append(codes, ids[id])
				}
				refused := len(codes) == 0 || codes[0] == ""
				if tt.want == "!" && !refused || tt.want != "!" && strings.Join(codes, " ") != tt.want {
					t.Errorf("%s finds %q (%s), want %q", tt.query, codes, got, tt.want)
				}
			}
			t.Run("gender by a value set of R4, whose codes have no system in the row", func(t *testing.T) {
				id := s.must(clin, post(`{"resourceType":"Patient","gender":"female"}`)).ID
				if got := s.found("Patient", "gender:in=http://hl7.org/fhir/ValueSet/administrative-gender"); got != id {
					t.Errorf("found %q, want %q", got, id)
				}
				if got := s.found("Patient", "gender:not-in=http://hl7.org/fhir/ValueSet/administrative-gender"); got != "" {
					t.Errorf("not-in found %q", got)
				}
			})
		})
	}
}

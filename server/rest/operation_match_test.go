package rest_test

// https://hl7.org/fhir/R4/patient-operation-match.html

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"tenon/fhir/tree"
)

const gradeExtension = "http://hl7.org/fhir/StructureDefinition/match-grade"

// matched asks for matches: "id grade", in the order of the answer.
func matched(t *testing.T, h http.Handler, patient, more string, headers ...string) (list []string) {
	t.Helper()
	w := must(t, h, 200, "POST", "/fhir/Patient/$match", `{"resourceType":"Parameters","parameter":[{"name":"resource","resource":`+patient+`}`+more+`]}`, headers...)
	d, err := tree.Parse(w.Body.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	last := 2.0
	for e := range d.Root().Field("entry").Items() {
		score, err := strconv.ParseFloat(e.Path("search", "score").Text(), 64)
		if err != nil || score < 0 || score > 1 {
			t.Errorf("score = %s, want 0 to 1", e.Path("search", "score").Raw())
		}
		grade, why := "", ""
		for x := range e.Path("search", "extension").Items() {
			if x.Field("url").Str() == gradeExtension {
				grade = x.Field("valueCode").Str()
			} else {
				why = x.Field("valueString").Str()
			}
		}
		if why == "" || score > last && grade == "" {
			t.Errorf("%s has no reason", e.Field("fullUrl").Str())
		}
		last = score
		list = append(list, e.Path("resource", "id").Str()+" "+grade)
	}
	if n := d.Root().Field("total").Text(); n != strconv.Itoa(len(list)) {
		t.Errorf("total = %s of %d", n, len(list))
	}
	return list
}

func TestMatch(t *testing.T) {
	onEngines(t, func(t *testing.T, h *house) {
		const idCard = "urn:oid:2.16.156.112636.1.3"
		wang := create(t, h, `{"resourceType":"Patient","identifier":[{"system":"`+idCard+`","value":"11010519491231002X"}],"name":[{"text":"王小明"},{"text":"Wang Xiaoming"}],
			"birthDate":"1980-05-17","gender":"male","telecom":[{"system":"phone","value":"138-0013-8000"}],"address":[{"city":"北京","line":["长安街1号"]}]}`)
		parts := create(t, h, `{"resourceType":"Patient","name":[{"family":"王","given":["小明"]}],"birthDate":"1990-01-02","gender":"male"}`)
		smith := create(t, h, `{"resourceType":"Patient","name":[{"family":"Smith-Jones","given":["Anna","Maria"]}],"birthDate":"1975-11-03","gender":"female","telecom":[{"system":"email","value":"Anna@Example.org"}]}`)
		for i := range 3 {
			create(t, h, fmt.Sprintf(`{"resourceType":"Patient","name":[{"text":"赵%d"}],"birthDate":"1960-01-0%d"}`, i, i+1))
		}
		for _, c := range []struct {
			name, patient string
			want          []string
		}{
			{"identifier and name", `{"resourceType":"Patient","identifier":[{"system":"` + idCard + `","value":"11010519491231002X"}],"name":[{"text":"王小明"}]}`, []string{wang + " certain", parts + " possible"}},
			{"identifier alone is not certain", `{"resourceType":"Patient","identifier":[{"system":"` + idCard + `","value":"11010519491231002X"}]}`, []string{wang + " probable"}},
			{"an identifier of another system", `{"resourceType":"Patient","identifier":[{"system":"urn:other","value":"11010519491231002X"}]}`, nil},
			{"an identifier that somebody else bears", `{"resourceType":"Patient","identifier":[{"system":"` + idCard + `","value":"11010519491231002X"}],"name":[{"text":"李大海"}],"birthDate":"1999-09-09","gender":"female"}`, []string{wang + " possible"}},
			{"name, birth date, phone", `{"resourceType":"Patient","name":[{"text":"王小明"}],"birthDate":"1980-05-17","gender":"male","telecom":[{"system":"phone","value":"+86 13800138000"}]}`, []string{wang + " certain"}},
			{"spaces in a Chinese name", `{"resourceType":"Patient","name":[{"text":"王 小明"}],"birthDate":"1980-05-17"}`, []string{wang + " probable"}},
			{"family and given against text", `{"resourceType":"Patient","name":[{"family":"王","given":["小明"]}],"birthDate":"1980-05-17"}`, []string{wang + " probable"}},
			{"text against family and given", `{"resourceType":"Patient","name":[{"text":"王小明"}],"birthDate":"1990-01-02"}`, []string{parts + " probable"}},
			{"full-width transcription, given name first", `{"resourceType":"Patient","name":[{"text":"ＸＩＡＯＭＩＮＧ　ＷＡＮＧ"}],"birthDate":"1980-05-17"}`, []string{wang + " probable"}},
			{"transcription in parts", `{"resourceType":"Patient","name":[{"family":"WANG","given":["Xiao","Ming"]}],"birthDate":"1980-05-17"}`, []string{wang + " probable"}},
			{"accents and case", `{"resourceType":"Patient","name":[{"family":"SMITH JONES","given":["Ánna","María"]}],"birthDate":"1975-11-03"}`, []string{smith + " probable"}},
			{"day and month turned", `{"resourceType":"Patient","name":[{"family":"Smith-Jones","given":["Anna","Maria"]}],"birthDate":"1975-03-11","telecom":[{"system":"email","value":"anna@example.org"}]}`, []string{smith + " probable"}},
			{"one letter wrong", `{"resourceType":"Patient","name":[{"family":"Smith-Jonas","given":["Anna","Maria"]}],"birthDate":"1975-11-03","gender":"female"}`, []string{smith + " possible"}},
			{"another birth date", `{"resourceType":"Patient","name":[{"text":"王小明"}],"birthDate":"1955-12-12"}`, nil},
			{"year of birth alone", `{"resourceType":"Patient","name":[{"text":"王小明"}],"birthDate":"1980"}`, []string{wang + " possible"}},
			{"nobody", `{"resourceType":"Patient","name":[{"text":"钱多多"}],"birthDate":"2001-01-01"}`, nil},
		} {
			t.Run(c.name, func(t *testing.T) {
				for range 2 { // the same question has the same answer
					if got := matched(t, h, c.patient, ""); !slices.Equal(got, c.want) {
						t.Errorf("$match = %v, want %v", got, c.want)
					}
				}
			})
		}
		sure := `{"resourceType":"Patient","identifier":[{"system":"` + idCard + `","value":"11010519491231002X"}],"name":[{"text":"王小明"}]}`
		t.Run("count", func(t *testing.T) {
			if got := matched(t, h, sure, `,{"name":"count","valueInteger":1}`); len(got) != 1 {
				t.Errorf("count=1 gives %v", got)
			}
		})
		t.Run("onlyCertainMatches", func(t *testing.T) {
			only := `,{"name":"onlyCertainMatches","valueBoolean":true}`
			if got := matched(t, h, sure, only); !slices.Equal(got, []string{wang + " certain"}) {
				t.Errorf("one certain match: %v", got)
			}
			if got := matched(t, h, `{"resourceType":"Patient","name":[{"text":"王小明"}],"birthDate":"1980-05-17"}`, only); len(got) != 0 {
				t.Errorf("a probable match is told as certain: %v", got)
			}
			twin := create(t, h, `{"resourceType":"Patient","identifier":[{"system":"`+idCard+`","value":"11010519491231002X"}],"name":[{"text":"王小明"}],"birthDate":"1980-05-17"}`)
			if got := matched(t, h, sure, only); len(got) != 0 {
				t.Errorf("two certain matches give %v, want none", got)
			}
			must(t, h, 204, "DELETE", "/fhir/Patient/"+twin, "")
			if got := matched(t, h, sure, only); len(got) != 1 {
				t.Errorf("a deleted patient still counts: %v", got)
			}
		})
		t.Run("reach", func(t *testing.T) {
			if got := matched(t, h, sure, "", "As: stranger"); len(got) != 0 {
				t.Errorf("a stranger matches %v", got)
			}
		})
		t.Run("audit", func(t *testing.T) { audited(t, h, "match", "Patient/"+wang) })
		for name, body := range map[string]string{
			"no parameters":        `{"resourceType":"Patient"}`,
			"no resource":          `{"resourceType":"Parameters"}`,
			"another type":         `{"resourceType":"Parameters","parameter":[{"name":"resource","resource":{"resourceType":"Person"}}]}`,
			"count of nothing":     `{"resourceType":"Parameters","parameter":[{"name":"resource","resource":{"resourceType":"Patient"}},{"name":"count","valueInteger":0}]}`,
			"an unknown parameter": `{"resourceType":"Parameters","parameter":[{"name":"resource","resource":{"resourceType":"Patient"}},{"name":"colour","valueCode":"red"}]}`,
			"a text for a boolean": `{"resourceType":"Parameters","parameter":[{"name":"resource","resource":{"resourceType":"Patient"}},{"name":"onlyCertainMatches","valueString":"true"}]}`,
			"two descriptions":     `{"resourceType":"Parameters","parameter":[{"name":"resource","resource":{"resourceType":"Patient"}},{"name":"resource","resource":{"resourceType":"Patient"}}]}`,
		} {
			t.Run(name, func(t *testing.T) { must(t, h, 400, "POST", "/fhir/Patient/$match", body) })
		}
		t.Run("too little", func(t *testing.T) {
			must(t, h, 422, "POST", "/fhir/Patient/$match", `{"resourceType":"Parameters","parameter":[{"name":"resource","resource":{"resourceType":"Patient","gender":"male"}}]}`)
		})
		t.Run("hostile values", func(t *testing.T) {
			for _, v := range []string{`a|b,c$d\\`, `%27 OR 1=1`, strings.Repeat("x", 5000), "' OR '1'='1", `\\`} {
				matched(t, h, `{"resourceType":"Patient","identifier":[{"system":"`+v+`","value":"`+v+`"}],"name":[{"text":"`+v+`"}],"telecom":[{"system":"phone","value":"`+v+`"}]}`, "")
			}
		})
	})
}

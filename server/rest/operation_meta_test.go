package rest_test

// https://hl7.org/fhir/R4/resource-operation-meta.html, -add and -delete

import (
	"strings"
	"testing"
)

func TestMeta(t *testing.T) {
	onEngines(t, func(t *testing.T, h *house) {
		id := create(t, h, `{"resourceType":"Patient","meta":{"tag":[{"system":"urn:t","code":"a","display":"A"}]},"extension":[{"url":"http://d.example","valueDecimal":1.00}]}`)
		at := "/fhir/Patient/" + id
		meta := func(list string) string {
			return `{"resourceType":"Parameters","parameter":[{"name":"meta","valueMeta":{` + list + `}}]}`
		}
		got := must(t, h, 200, "GET", at+"/$meta", "").Body.String()
		if !strings.HasPrefix(got, `{"resourceType":"Parameters","parameter":[{"name":"return","valueMeta":{`) || !strings.Contains(got, `"code":"a"`) {
			t.Errorf("$meta = %s", got)
		}
		got = must(t, h, 200, "POST", at+"/$meta-add", meta(`"tag":[{"system":"urn:t","code":"a"},{"system":"urn:t","code":"b"}],"security":[{"system":"urn:s","code":"x"}]`)).Body.String()
		if strings.Count(got, `"code":"a"`) != 1 || !strings.Contains(got, `"display":"A"`) || !strings.Contains(got, `"code":"b"`) || !strings.Contains(got, `"code":"x"`) || !strings.Contains(got, `"versionId":"2"`) {
			t.Errorf("$meta-add = %s", got)
		}
		got = must(t, h, 200, "POST", at+"/$meta-delete", meta(`"tag":[{"system":"urn:t","code":"a"},{"system":"urn:t","code":"none"}],"security":[{"system":"urn:s","code":"x"}]`)).Body.String()
		if strings.Contains(got, `"code":"a"`) || !strings.Contains(got, `"code":"b"`) || strings.Contains(got, `"code":"x"`) {
			t.Errorf("$meta-delete = %s", got)
		}
		if now := must(t, h, 200, "GET", at, "").Body.String(); !strings.Contains(now, `"versionId":"3"`) || !strings.Contains(now, `"valueDecimal":1.00`) {
			t.Errorf("the resource = %s", now)
		}
		must(t, h, 412, "POST", at+"/$meta-add", meta(`"tag":[{"code":"c"}]`), `If-Match: W/"1"`)
		must(t, h, 400, "POST", at+"/$meta-add", `{"resourceType":"Parameters"}`)
		must(t, h, 404, "GET", "/fhir/Patient/none/$meta", "")
		must(t, h, 404, "GET", at+"/$meta", "", "As: stranger")
		must(t, h, 404, "POST", at+"/$meta-add", meta(`"tag":[{"code":"c"}]`), "As: stranger")
	})
}

// $meta of a type and of the server tells what is in use, in reach.
func TestMetaInUse(t *testing.T) {
	onEngines(t, func(t *testing.T, h *house) {
		with := func(typ, meta string, headers ...string) string {
			return create(t, h, `{"resourceType":"`+typ+`","meta":{`+meta+`}}`, headers...)
		}
		with("Patient", `"tag":[{"system":"urn:t","code":"a"}],"security":[{"system":"urn:s","code":"s"}]`, "As: clin")
		with("Patient", `"tag":[{"system":"urn:t","code":"a","display":"A again"},{"system":"urn:u","code":"a"},{"code":"bare"}]`, "As: clin")
		with("Basic", `"tag":[{"system":"urn:t","code":"basic"}]},"code":{"text":"x"`, "As: clin")
		with("Patient", `"tag":[{"system":"urn:t","code":"hidden"}],"profile":["http://p.example/hidden"]`)
		with("Patient", `"profile":["http://p.example/a"]`, "As: clin")
		gone := with("Patient", `"tag":[{"system":"urn:t","code":"gone"}]`, "As: clin")
		must(t, h, 204, "DELETE", "/fhir/Patient/"+gone, "", "As: clin")
		changed := with("Patient", `"tag":[{"system":"urn:t","code":"before"}]`, "As: clin")
		must(t, h, 200, "PUT", "/fhir/Patient/"+changed, `{"resourceType":"Patient","id":"`+changed+`","meta":{"tag":[{"system":"urn:t","code":"after"}]}}`, "As: clin")
		for _, c := range []struct{ at, who, has, lacks string }{
			{"Patient/$meta", "clin", `"urn:t","code":"a"|"urn:u","code":"a"|"code":"bare"|"code":"after"|"urn:s"|http://p.example/a`, "hidden|basic|gone|before"},
			{"$meta", "clin", `"code":"basic"|"code":"after"`, "hidden|gone|before"},
			{"Basic/$meta", "clin", `"code":"basic"`, "after|hidden|urn:s"},
			{"$meta", "", `"code":"hidden"|"code":"basic"`, "gone"},
			{"Patient/$meta", "stranger", `{"resourceType":"Parameters"}`, "urn:t|urn:s|p.example"},
			{"Device/$meta", "clin", `{"resourceType":"Parameters"}`, "urn:t"},
		} {
			for _, method := range []string{"GET", "POST"} {
				got := must(t, h, 200, method, "/fhir/"+c.at, "", "As: "+c.who).Body.String()
				for want := range strings.SplitSeq(c.has, "|") {
					if strings.Count(got, want) != 1 {
						t.Errorf("%s %s as %q = %s, want %s once", method, c.at, c.who, got, want)
					}
				}
				for other := range strings.SplitSeq(c.lacks, "|") {
					if strings.Contains(got, other) {
						t.Errorf("%s %s as %q = %s, without %s", method, c.at, c.who, got, other)
					}
				}
			}
		}
		must(t, h, 401, "GET", "/fhir/$meta", "", "As: nobody")
	})
}

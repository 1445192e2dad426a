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

package xml_test

import (
	"strings"
	"testing"

	"tenon/fhir/issue"
	"tenon/fhir/xml"
	"tenon/profiles/r4"
)

func first(t testing.TB, err error) issue.Issue {
	t.Helper()
	f := issue.As(err)
	if f == nil || len(f.Issues) != 1 {
		t.Fatalf("error = %v, want a failure of one issue", err)
	}
	return f.Issues[0]
}

const prolog = `<?xml version="1.0" encoding="UTF-8"?>`

func TestWrite(t *testing.T) {
	for _, c := range []struct{ name, json, want string }{
		{"nothing inside", `{"resourceType":"Patient"}`, `<Patient xmlns="http://hl7.org/fhir"/>`},
		{"order of the definitions", `{"birthDate":"1974","_active":{"id":"a"},"resourceType":"Patient","active":true,"id":"1"}`, wrap(`<id value="1"/><active id="a" value="true"/><birthDate value="1974"/>`)},
		{"inherited elements first", `{"resourceType":"Patient","active":true,"extension":[{"valueString":"s","url":"u"}],"language":"zh"}`, wrap(`<language value="zh"/><extension url="u"><valueString value="s"/></extension><active value="true"/>`)},
		{"decimals as they are", `{"resourceType":"Observation","valueQuantity":{"value":1.00},"referenceRange":[{"low":{"value":1E-22}}]}`, `<Observation xmlns="http://hl7.org/fhir"><valueQuantity><value value="1.00"/></valueQuantity><referenceRange><low><value value="1E-22"/></low></referenceRange></Observation>`},
		{"what needs a reference", `{"resourceType":"Patient","language":"<&>\"'\t\n\r\\\u4e2d\ud83d\ude00"}`, wrap(`<language value="&lt;&amp;&gt;&quot;'&#9;&#10;&#13;\中😀"/>`)},
		{"characters near those that are none", `{"resourceType":"Patient","language":"\uFFFDﾾ ` + "\u007F\uFFFC" + `"}`, wrap("<language value=\"\uFFFDﾾ \u007F\uFFFC\"/>")},
		{"only an extra", `{"resourceType":"Patient","_birthDate":{"extension":[{"url":"u","valueCode":"c"}]}}`, wrap(`<birthDate><extension url="u"><valueCode value="c"/></extension></birthDate>`)},
		{"arrays side by side", `{"resourceType":"Patient","name":[{"_given":[null,{"id":"b"},{"extension":[{"url":"u"}]}],"given":["a","b",null]}]}`, wrap(`<name><given value="a"/><given id="b" value="b"/><given><extension url="u"/></given></name>`)},
		{"arrays of two lengths", `{"resourceType":"Patient","name":[{"_given":[{"id":"a"}],"given":["a","b"]}]}`, wrap(`<name><given id="a" value="a"/><given value="b"/></name>`)},
		{"choice", `{"resourceType":"Patient","multipleBirthInteger":2,"_multipleBirthInteger":{"id":"m"}}`, wrap(`<multipleBirthInteger id="m" value="2"/>`)},
		{"contained", `{"resourceType":"Patient","contained":[{"id":"o","resourceType":"Organization"},{"resourceType":"Device"}]}`, wrap(`<contained><Organization><id value="o"/></Organization></contained><contained><Device/></contained>`)},
		{"narrative", `{"resourceType":"Patient","text":{"div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">a<br/>&amp;\u4e2d</div>","status":"generated"}}`, wrap(div + `a<br/>&amp;中</div></text>`)},
		{"narrative with HTML's names", `{"resourceType":"Patient","text":{"div":"<div xmlns='http://www.w3.org/1999/xhtml' title='&eacute;'>&nbsp;&lt;</div>"}}`, wrap(`<text><div xmlns='http://www.w3.org/1999/xhtml' title='&#233;'>&#160;&lt;</div></text>`)},
		{"narrative without its namespace", `{"resourceType":"Patient","text":{"div":" <div class='a'>x</div>\n"}}`, wrap(`<text><div xmlns="http://www.w3.org/1999/xhtml" class='a'>x</div></text>`)},
		{"narrative with carriage returns", `{"resourceType":"Patient","text":{"div":"<div\r\n xmlns='http://www.w3.org/1999/xhtml' title='a\rb'>c\r\nd</div>"}}`, wrap("<text><div\n xmlns='http://www.w3.org/1999/xhtml' title='a&#13;b'>c&#13;\nd</div></text>")},
		{"binary", `{"resourceType":"Binary","data":"aGk=","contentType":"text/plain"}`, `<Binary xmlns="http://hl7.org/fhir"><contentType value="text/plain"/><data value="aGk="/></Binary>`},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := xml.Append([]byte("kept"), parse(t, []byte(c.json)), r4.Model())
			if err != nil || string(got) != "kept"+prolog+c.want {
				t.Fatalf("Append(%s)\n = %s, %v\nwant %s", c.json, got, err, c.want)
			}
			toJSON(t, got[len("kept"):])
		})
	}
}

func TestIndent(t *testing.T) {
	got, err := xml.AppendIndent(nil, parse(t, []byte(`{"resourceType":"Patient","text":{"div":"<div xmlns=\"http://www.w3.org/1999/xhtml\"> <p>x</p></div>"},"contained":[{"resourceType":"Device","id":"d"}],"name":[{"given":["a","b"]}]}`)), r4.Model(), "  ")
	want := prolog + `
<Patient xmlns="http://hl7.org/fhir">
  <text>
    <div xmlns="http://www.w3.org/1999/xhtml"> <p>x</p></div>
  </text>
  <contained>
    <Device>
      <id value="d"/>
    </Device>
  </contained>
  <name>
    <given value="a"/>
    <given value="b"/>
  </name>
</Patient>
`
	if err != nil || string(got) != want {
		t.Errorf("AppendIndent = %s, %v, want %s", got, err, want)
	}
	toJSON(t, got)
}

// What XML has no place for is never left out in silence.
func TestWriteFaults(t *testing.T) {
	for _, c := range []struct{ name, json, rule, path string }{
		{"no resource", `{"a":1}`, "xml-resource", ""},
		{"an array", `[]`, "xml-resource", ""},
		{"unknown type", `{"resourceType":"Thing"}`, "xml-resource", ""},
		{"unknown element", `{"resourceType":"Patient","colour":"red"}`, "xml-unknown-element", "Patient"},
		{"unknown element below", `{"resourceType":"Patient","name":[{"given":["a"]},{"first":"a"}]}`, "xml-unknown-element", "Patient.name[1]"},
		{"extra of a data type", `{"resourceType":"Patient","_name":[{"id":"a"}]}`, "xml-unknown-element", "Patient"},
		{"extra of an id attribute", `{"resourceType":"Patient","name":[{"id":"a","_id":{"id":"b"}}]}`, "xml-unknown-element", "Patient.name[0]"},
		{"extra of a url attribute", `{"resourceType":"Patient","extension":[{"url":"a","_url":{"id":"b"}}]}`, "xml-unknown-element", "Patient.extension[0]"},
		{"extra of a narrative", `{"resourceType":"Patient","text":{"_div":{"id":"b"}}}`, "xml-unknown-element", "Patient.text"},
		{"resourceType of a data type", `{"resourceType":"Patient","name":[{"resourceType":"HumanName"}]}`, "xml-unknown-element", "Patient.name[0]"},
		{"comments of old", `{"resourceType":"Patient","fhir_comments":["a"]}`, "xml-unknown-element", "Patient"},
		{"value in an extra", `{"resourceType":"Patient","_active":{"value":true}}`, "xml-unknown-element", "Patient.active"},
		{"control character", `{"resourceType":"Patient","name":[{"text":"a\u0000b"}]}`, "xml-character", "Patient.name[0].text"},
		{"form feed", `{"resourceType":"Patient","name":[{"text":"0123456789\fb"}]}`, "xml-character", "Patient.name[0].text"},
		{"U+FFFF", `{"resourceType":"Patient","name":[{"text":"\uFFFF"}]}`, "xml-character", "Patient.name[0].text"},
		{"control character in an id", `{"resourceType":"Patient","name":[{"id":"\u001f"}]}`, "xml-character", "Patient.name[0]"},
		{"number as text", `{"resourceType":"Patient","multipleBirthInteger":"2"}`, "xml-kind", "Patient.multipleBirth"},
		{"text as number", `{"resourceType":"Patient","language":2}`, "xml-kind", "Patient.language"},
		{"boolean as text", `{"resourceType":"Patient","active":"true"}`, "xml-kind", "Patient.active"},
		{"one where many belong", `{"resourceType":"Patient","name":{"text":"a"}}`, "xml-kind", "Patient.name"},
		{"many where one belongs", `{"resourceType":"Patient","active":[true]}`, "xml-kind", "Patient.active"},
		{"empty array", `{"resourceType":"Patient","name":[]}`, "xml-kind", "Patient.name"},
		{"empty object", `{"resourceType":"Patient","name":[{}]}`, "xml-kind", "Patient.name[0]"},
		{"empty string", `{"resourceType":"Patient","language":""}`, "xml-empty", "Patient.language"},
		{"null", `{"resourceType":"Patient","active":null}`, "xml-kind", "Patient.active"},
		{"two nulls", `{"resourceType":"Patient","name":[{"given":["a",null],"_given":[{"id":"a"},null]}]}`, "xml-empty", "Patient.name[0].given[1]"},
		{"id that is no string", `{"resourceType":"Patient","name":[{"id":1}]}`, "xml-kind", "Patient.name[0]"},
		{"two of a choice", `{"resourceType":"Patient","deceasedBoolean":true,"deceasedDateTime":"2020"}`, "xml-choice", "Patient.deceased"},
		{"two of a choice, apart", `{"resourceType":"Patient","deceasedBoolean":true,"_deceasedDateTime":{"id":"a"}}`, "xml-choice", "Patient.deceased"},
		{"contained that is none", `{"resourceType":"Patient","contained":["a"]}`, "xml-resource", "Patient.contained[0]"},
		{"narrative with a breakout", `{"resourceType":"Patient","text":{"div":"<div xmlns=\"http://www.w3.org/1999/xhtml\"></div><active value=\"true\"/>"}}`, "xml-narrative", "Patient.text.div"},
		{"narrative that closes more", `{"resourceType":"Patient","text":{"div":"<div xmlns=\"http://www.w3.org/1999/xhtml\"></div></text>"}}`, "xml-narrative", "Patient.text.div"},
		{"narrative not closed", `{"resourceType":"Patient","text":{"div":"<div xmlns=\"http://www.w3.org/1999/xhtml\"><p></div>"}}`, "xml-syntax", "Patient.text.div"},
		{"narrative of text", `{"resourceType":"Patient","text":{"div":"hello"}}`, "xml-text", "Patient.text.div"},
		{"narrative with a bare ampersand", `{"resourceType":"Patient","text":{"div":"<div>a & b</div>"}}`, "xml-syntax", "Patient.text.div"},
		{"narrative with an unknown entity", `{"resourceType":"Patient","text":{"div":"<div>&xxe;</div>"}}`, "xml-entity", "Patient.text.div"},
		{"narrative with a DTD", `{"resourceType":"Patient","text":{"div":"<!DOCTYPE a><div/>"}}`, "xml-doctype", "Patient.text.div"},
		{"narrative with a control character", `{"resourceType":"Patient","text":{"div":"<div>\u0001</div>"}}`, "xml-character", "Patient.text.div"},
		{"narrative in another namespace", `{"resourceType":"Patient","text":{"div":"<div xmlns=\"http://hl7.org/fhir\"/>"}}`, "xml-narrative", "Patient.text.div"},
		{"narrative that is a number", `{"resourceType":"Patient","text":{"div":1}}`, "xml-kind", "Patient.text.div"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := xml.Append([]byte("kept"), parse(t, []byte(c.json)), r4.Model())
			if is := first(t, err); is.Rule != c.rule || is.Path != c.path || is.Chinese == "" || is.Text == "" {
				t.Errorf("Append(%s) = %s at %q: %s, want %s at %q", c.json, is.Rule, is.Path, is.Text, c.rule, c.path)
			}
			if string(got) != "kept" {
				t.Errorf("dst = %s, want it as it was", got)
			}
		})
	}
}

// Both directions hold on what is made by hand for every rule.
func TestHandMadeRoundTrip(t *testing.T) {
	for _, src := range []string{
		`{"resourceType":"Patient","id":"a","meta":{"profile":["p","q"],"_profile":[null,{"id":"x"}],"tag":[{"code":"c"}]},"active":true}`,
		`{"resourceType":"Observation","component":[{"valueQuantity":{"value":0.10,"_value":{"extension":[{"url":"u","valueDecimal":1.0e0}]}}}]}`,
		`{"resourceType":"Bundle","type":"batch","entry":[{"fullUrl":"urn:uuid:1","resource":{"resourceType":"Bundle","type":"searchset","entry":[{"resource":{"resourceType":"Patient"}}]}}]}`,
		`{"resourceType":"Patient","name":[{"_given":[{"id":"1"},{"id":"2"}]},{"given":["` + strings.Repeat("长", 500) + `"]}]}`,
		`{"resourceType":"Patient","text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">\r\n a\t<a href=\"x?a=1&amp;b=2\" title=\"\r\n\t'\">&#x4e2d;</a><!-- c --></div>"}}`,
		`{"resourceType":"Patient","birthDate":"1974","_birthDate":{"id":"\n\t\r \"&<>'"}}`,
	} {
		n := parse(t, []byte(src))
		out, err := xml.Append(nil, n, r4.Model())
		if err != nil {
			t.Errorf("Append(%s) = %v", src, err)
			continue
		}
		if d := differ("", parse(t, toJSON(t, out)), n); d != "" {
			t.Errorf("%s comes back with %s", src, d)
		}
	}
}

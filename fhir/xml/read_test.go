package xml_test

import (
	"strings"
	"testing"

	"tenon/fhir/xml"
	"tenon/profiles/r4"
)

// wrap puts content into a Patient with the usual namespace.
func wrap(content string) string {
	return `<Patient xmlns="http://hl7.org/fhir">` + content + `</Patient>`
}

const div = `<text><status value="generated"/><div xmlns="http://www.w3.org/1999/xhtml">`

// https://hl7.org/fhir/R4/xml.html and https://hl7.org/fhir/R4/json.html
func TestRead(t *testing.T) {
	const narrative = `{"resourceType":"Patient","text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">`
	for _, c := range []struct{ name, xml, want string }{
		{"nothing inside", `<Patient xmlns="http://hl7.org/fhir"/>`, `{"resourceType":"Patient"}`},
		{"declaration, comment, instruction", "<?xml version='1.0' encoding='utf-8' standalone='yes'?><!-- a --><?x y?><Patient xmlns='http://hl7.org/fhir'>\n<!-- b - c --></Patient>\n<!--d--><?e?>\n", `{"resourceType":"Patient"}`},
		{"byte order mark", "\xEF\xBB\xBF" + wrap(""), `{"resourceType":"Patient"}`},
		{"prefix", `<f:Patient xmlns:f="http://hl7.org/fhir"><f:active value="true"/></f:Patient>`, `{"resourceType":"Patient","active":true}`},
		{"prefix changed inside", `<Patient xmlns="http://hl7.org/fhir"><g:active xmlns:g="http://hl7.org/fhir" value="true"/><gender value="male"/></Patient>`, `{"resourceType":"Patient","active":true,"gender":"male"}`},
		{"namespace with a reference", `<Patient xmlns="http:&#47;/hl7.org/fhir"/>`, `{"resourceType":"Patient"}`},
		{"schema location", `<Patient xmlns="http://hl7.org/fhir" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="http://hl7.org/fhir ../patient.xsd"/>`, `{"resourceType":"Patient"}`},

		{"string, number, boolean, date", wrap(`<active value="false"/><birthDate value="1974-12"/><multipleBirthInteger value="-0"/>`), `{"resourceType":"Patient","active":false,"birthDate":"1974-12","multipleBirthInteger":-0}`},
		{
			"decimals as they are", `<Observation xmlns="http://hl7.org/fhir"><valueQuantity><value value="1.00"/></valueQuantity><referenceRange><low><value value="1E-22"/></low><high><value value="-0.0e+1"/></high></referenceRange></Observation>`,
			`{"resourceType":"Observation","valueQuantity":{"value":1.00},"referenceRange":[{"low":{"value":1E-22},"high":{"value":-0.0e+1}}]}`,
		},
		{"a number that is a string", wrap(`<identifier><value value="007"/></identifier>`), `{"resourceType":"Patient","identifier":[{"value":"007"}]}`},
		{"references", wrap(`<language value="&lt;&amp;&gt;&quot;&apos;&#65;&#x4E2D;&#x1F600;"/>`), `{"resourceType":"Patient","language":"<&>\"'A中😀"}`},
		{"white space in a value", wrap("<name><text value='a\tb\r\nc\nd\re&#9;&#10;&#13;'/></name>"), `{"resourceType":"Patient","name":[{"text":"a b c d e\t\n\r"}]}`},
		{"backslash and quotes", wrap(`<name><text value='\"n'/></name>`), `{"resourceType":"Patient","name":[{"text":"\\\"n"}]}`},
		{"white space in tags", "<Patient\n xmlns = 'http://hl7.org/fhir' ><active\tvalue = \"true\" ></active\n></Patient >", `{"resourceType":"Patient","active":true}`},

		{"id of a primitive", wrap(`<birthDate id="a" value="1974"/>`), `{"resourceType":"Patient","birthDate":"1974","_birthDate":{"id":"a"}}`},
		{"extension of a primitive", wrap(`<birthDate value="1974"><extension url="u"><valueInteger value="1"/></extension></birthDate>`), `{"resourceType":"Patient","birthDate":"1974","_birthDate":{"extension":[{"url":"u","valueInteger":1}]}}`},
		{"extension without value", wrap(`<birthDate><extension url="u"/></birthDate>`), `{"resourceType":"Patient","_birthDate":{"extension":[{"url":"u"}]}}`},
		{
			"extension in an extension of a primitive", wrap(`<active value="true"><extension url="a"><valueString value="s"><extension id="e" url="b"><valueUri value="v"/></extension></valueString></extension></active>`),
			`{"resourceType":"Patient","active":true,"_active":{"extension":[{"url":"a","valueString":"s","_valueString":{"extension":[{"id":"e","url":"b","valueUri":"v"}]}}]}}`,
		},
		{"repeated primitive", wrap(`<name><given value="a"/><given value="b"/></name>`), `{"resourceType":"Patient","name":[{"given":["a","b"]}]}`},
		{"null where an extra is missing", wrap(`<name><given value="a"/><given value="b"/><given id="i" value="c"/></name>`), `{"resourceType":"Patient","name":[{"given":["a","b","c"],"_given":[null,null,{"id":"i"}]}]}`},
		{"null where a value is missing", wrap(`<name><given value="a"/><given><extension url="u"/></given><given value="c"/></name>`), `{"resourceType":"Patient","name":[{"given":["a",null,"c"],"_given":[null,{"extension":[{"url":"u"}]},null]}]}`},
		{"no value at all", wrap(`<name><given><extension url="u"/></given><given><extension url="v"/></given></name>`), `{"resourceType":"Patient","name":[{"_given":[{"extension":[{"url":"u"}]},{"extension":[{"url":"v"}]}]}]}`},
		{"id of a data type", wrap(`<name id="n"><family value="x"/></name>`), `{"resourceType":"Patient","name":[{"id":"n","family":"x"}]}`},
		{"only an id", wrap(`<name id="n"/>`), `{"resourceType":"Patient","name":[{"id":"n"}]}`},
		{"choice", wrap(`<deceasedDateTime value="2020"/>`), `{"resourceType":"Patient","deceasedDateTime":"2020"}`},
		{"backbone and recursion", `<Questionnaire xmlns="http://hl7.org/fhir"><item><linkId value="1"/><item><linkId value="1.1"/></item></item></Questionnaire>`, `{"resourceType":"Questionnaire","item":[{"linkId":"1","item":[{"linkId":"1.1"}]}]}`},

		{"contained", wrap(`<contained><Organization><id value="o"/></Organization></contained><contained><Device/></contained>`), `{"resourceType":"Patient","contained":[{"resourceType":"Organization","id":"o"},{"resourceType":"Device"}]}`},
		{
			"entry", `<Bundle xmlns="http://hl7.org/fhir"><type value="batch"/><entry><resource><Patient><active value="true"/></Patient></resource><request><method value="POST"/></request></entry></Bundle>`,
			`{"resourceType":"Bundle","type":"batch","entry":[{"resource":{"resourceType":"Patient","active":true},"request":{"method":"POST"}}]}`,
		},
		{
			"parameter", `<Parameters xmlns="http://hl7.org/fhir"><parameter><name value="a"/><valueString value="b"/><part><name value="c"/><resource><Binary/></resource></part></parameter></Parameters>`,
			`{"resourceType":"Parameters","parameter":[{"name":"a","valueString":"b","part":[{"name":"c","resource":{"resourceType":"Binary"}}]}]}`,
		},

		{"narrative as it stands", wrap(div + "<p class='a'  id=\"b\" >x &amp; &#160;y<br/>\n <b >z</b ></p></div></text>"), narrative + `<p class='a'  id=\"b\" >x &amp; &#160;y<br/>\n <b >z</b></p></div>"}}`},
		{"narrative with comments", wrap(div + "<!-- a -->b<?c d?></div></text>"), narrative + `<!-- a -->b</div>"}}`},
		{"narrative with CDATA", wrap(div + "<![CDATA[a<b>&c]]></div></text>"), narrative + `a&lt;b&gt;&amp;c</div>"}}`},
		{"narrative with line ends", wrap(div + "a\r\nb\rc&#13;d</div></text>"), narrative + `a\nb\nc\rd</div>"}}`},
		{"narrative empty", wrap(`<text><div xmlns="http://www.w3.org/1999/xhtml"/></text>`), `{"resourceType":"Patient","text":{"div":"<div xmlns=\"http://www.w3.org/1999/xhtml\"/>"}}`},
		{
			"narrative with a prefix", `<Patient xmlns="http://hl7.org/fhir" xmlns:h="http://www.w3.org/1999/xhtml"><text><h:div class="a"><h:p>x</h:p><h:br/></h:div></text></Patient>`,
			`{"resourceType":"Patient","text":{"div":"<div xmlns=\"http://www.w3.org/1999/xhtml\" class=\"a\"><p>x</p><br/></div>"}}`,
		},
		{"narrative with an inherited namespace", `<f:Patient xmlns:f="http://hl7.org/fhir" xmlns="http://www.w3.org/1999/xhtml"><f:text><div>x</div></f:text></f:Patient>`, `{"resourceType":"Patient","text":{"div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">x</div>"}}`},
		{"language in the narrative", wrap(div + `<p xml:lang="zh">文</p></div></text>`), narrative + `<p xml:lang=\"zh\">文</p></div>"}}`},
		{"declared again in the narrative", wrap(div + `<p xmlns="http://www.w3.org/1999/xhtml">a</p></div></text>`), narrative + `<p xmlns=\"http://www.w3.org/1999/xhtml\">a</p></div>"}}`},
		{"after the narrative", wrap(div + `x</div></text><active value="true"/>`), narrative + `x</div>"},"active":true}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := string(toJSON(t, []byte(c.xml))); got != c.want {
				t.Errorf("ToJSON(%s)\n = %s\nwant %s", c.xml, got, c.want)
			}
			parse(t, toJSON(t, []byte(c.xml)))
		})
	}
}

// What must be refused, by which rule, where.
func TestReadFaults(t *testing.T) {
	for _, c := range []struct{ name, xml, rule, path, where string }{
		{"nothing", "", "xml-end", "", "line 1, column 1"},
		{"JSON", "{}", "xml-text", "", "line 1, column 1"},
		{"not closed", wrap("")[:40], "xml-end", "Patient", ""},
		{"cut in a value", `<Patient xmlns="http://hl7.org`, "xml-end", "", ""},
		{"something behind", wrap("") + "<a/>", "xml-trailing", "", "line 1, column 48"},
		{"text behind", wrap("") + "x", "xml-trailing", "", ""},
		{"wrong end", wrap("<name></nam>"), "xml-syntax", "Patient.name[0]", "line 1, column 44"},
		{"bare ampersand", wrap(`<language value="a&b"/>`), "xml-syntax", "Patient.language", ""},
		{"less-than in a value", wrap(`<language value="a<b"/>`), "xml-syntax", "Patient", ""},
		{"no space between attributes", wrap(`<language id="a"value="b"/>`), "xml-syntax", "Patient", ""},
		{"no quotes", wrap(`<language value=b/>`), "xml-syntax", "Patient", ""},
		{"attribute without value", wrap(`<language value/>`), "xml-syntax", "Patient", ""},
		{"comment with two dashes", wrap(`<!-- a -- b -->`), "xml-syntax", "Patient", ""},
		{"comment ending in three", wrap(`<!-- a --->`), "xml-syntax", "Patient", ""},
		{"CDATA between elements", wrap(`<![CDATA[ ]]>`), "xml-text", "Patient", ""},
		{"instruction without a space", wrap(`<?a&b?>`), "xml-syntax", "Patient", ""},
		{"instruction of nothing", wrap(`<?>`), "xml-syntax", "Patient", ""},
		{"instruction called XML", wrap(`<?XmL b?>`), "xml-syntax", "Patient", ""},
		{"name beyond ASCII", wrap(div + "<a na\u00d7me='b'/></div></text>"), "xml-syntax", "Patient.text.div", ""},
		{"declaration in the middle", wrap(`<?xml version="1.0"?>`), "xml-syntax", "Patient", ""},
		{"declaration after a blank", " <?xml version='1.0'?>" + wrap(""), "xml-syntax", "", ""},
		{"XML 1.1", "<?xml version='1.1'?>" + wrap(""), "xml-declaration", "", ""},
		{"Latin-1", "<?xml version='1.0' encoding='ISO-8859-1'?>" + wrap(""), "xml-encoding", "", ""},
		{"UTF-16 declared", "<?xml version='1.0' encoding='UTF-16'?>" + wrap(""), "xml-encoding", "", ""},
		{"UTF-16", "\xFF\xFE<\x00P\x00", "xml-encoding", "", ""},
		{"UTF-16 without mark", "<\x00?\x00x\x00", "xml-encoding", "", ""},
		{"declaration without version", "<?xml encoding='UTF-8'?>" + wrap(""), "xml-declaration", "", ""},
		{"bad UTF-8", wrap("<language value='\xC3\x28'/>"), "xml-utf8", "", "line 1, column 55"},
		{"surrogate in UTF-8", wrap("<language value='\xED\xA0\x80'/>"), "xml-utf8", "", ""},
		{"control character", wrap("<language value='\x01'/>"), "xml-character", "", ""},
		{"control character by reference", wrap("<language value='&#1;'/>"), "xml-character", "Patient.language", ""},
		{"surrogate by reference", wrap("<language value='&#xD800;'/>"), "xml-character", "Patient.language", ""},
		{"reference beyond Unicode", wrap("<language value='&#x110000;'/>"), "xml-character", "Patient.language", ""},
		{"huge reference", wrap("<language value='&#99999999999999999999;'/>"), "xml-character", "Patient.language", ""},
		{"empty reference", wrap("<language value='&#x;'/>"), "xml-entity", "Patient.language", ""},
		{"U+FFFE", wrap("<language value='\uFFFE'/>"), "xml-character", "", ""},

		{"DTD", `<!DOCTYPE Patient SYSTEM "http://x/p.dtd">` + wrap(""), "xml-doctype", "", "line 1, column 1"},
		{"entities laughing", "<!DOCTYPE l [<!ENTITY a \"lol\"><!ENTITY b \"&a;&a;&a;&a;\">]>" + wrap(`<language value="&b;"/>`), "xml-doctype", "", ""},
		{"unknown entity", wrap(`<language value="&xxe;"/>`), "xml-entity", "Patient.language", ""},
		{"entity of HTML", wrap(div + `a&nbsp;b</div></text>`), "xml-entity", "Patient.text.div", ""},

		{"no namespace", `<Patient/>`, "xml-namespace", "", ""},
		{"another namespace", `<Patient xmlns="http://hl7.org/FHIR"/>`, "xml-namespace", "", ""},
		{"prefix not bound", `<f:Patient/>`, "xml-namespace", "", ""},
		{"element of another namespace", wrap(`<x:active xmlns:x="urn:x" value="true"/>`), "xml-namespace", "Patient", ""},
		{"namespace taken away", wrap(`<active xmlns="" value="true"/>`), "xml-namespace", "Patient", ""},
		{"namespace out of scope", wrap(`<name xmlns:g="http://hl7.org/fhir"><g:family value="a"/></name><g:gender value="male"/>`), "xml-namespace", "Patient", ""},
		{"prefix without a namespace", `<f:Patient xmlns:f=""/>`, "xml-namespace", "", ""},
		{"prefix xmlns", `<Patient xmlns:xmlns="urn:a"/>`, "xml-namespace", "", ""},
		{"another xml", `<Patient xmlns:xml="urn:a"/>`, "xml-namespace", "", ""},
		{"declared twice", `<Patient xmlns="http://hl7.org/fhir" xmlns="http://hl7.org/fhir"/>`, "xml-attribute", "", ""},

		{"no resource", `<HumanName xmlns="http://hl7.org/fhir"/>`, "xml-resource", "", ""},
		{"abstract resource", `<DomainResource xmlns="http://hl7.org/fhir"/>`, "xml-resource", "", ""},
		{"unknown element", wrap(`<colour value="red"/>`), "xml-unknown-element", "Patient", "line 1, column 38"},
		{"unknown element below", wrap("<name>\n  <first value='x'/></name>"), "xml-unknown-element", "Patient.name[0]", "line 2, column 3"},
		{"choice without its type", wrap(`<deceased value="true"/>`), "xml-unknown-element", "Patient", ""},
		{"choice of a type that is none", wrap(`<deceasedString value="true"/>`), "xml-unknown-element", "Patient", ""},
		{"out of order", wrap(`<gender value="male"/><active value="true"/>`), "xml-order", "Patient.active", "line 1, column 60"},
		{"out of order below", wrap(`<name><given value="a"/><family value="b"/></name>`), "xml-order", "Patient.name[0].family", ""},
		{"set apart", wrap(`<name><given value="a"/></name><gender value="male"/><name><given value="b"/></name>`), "xml-order", "Patient.name", ""},
		{"twice", wrap(`<active value="true"/><active value="true"/>`), "xml-repeated", "Patient", ""},
		{"two of a choice", wrap(`<deceasedBoolean value="true"/><deceasedDateTime value="2020"/>`), "xml-repeated", "Patient", ""},
		{"empty element", wrap(`<name/>`), "xml-empty", "Patient.name[0]", ""},
		{"empty element in two tags", wrap("<name> <!-- --> </name>"), "xml-empty", "Patient.name[0]", ""},
		{"primitive without value", wrap(`<active/>`), "xml-empty", "Patient.active", ""},
		{"repeated primitive without value", wrap(`<name><given value="a"/><given/></name>`), "xml-empty", "Patient.name[0].given[1]", ""},
		{"empty value", wrap(`<language value=""/>`), "xml-empty", "Patient.language", ""},
		{"text in a primitive", wrap(`<active>true</active>`), "xml-text", "Patient.active", ""},
		{"text between", wrap(`a<active value="true"/>`), "xml-text", "Patient", ""},
		{"unknown attribute", wrap(`<active val="true"/>`), "xml-attribute", "Patient.active", ""},
		{"attribute of a resource", `<Patient xmlns="http://hl7.org/fhir" id="1"/>`, "xml-attribute", "Patient", ""},
		{"value of a data type", wrap(`<name value="x"/>`), "xml-attribute", "Patient.name[0]", ""},
		{"url of a data type", wrap(`<name url="x"/>`), "xml-attribute", "Patient.name[0]", ""},
		{"attribute twice", wrap(`<active value="true" value="true"/>`), "xml-attribute", "Patient", ""},
		{"xsi:type", wrap(`<active xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="b" value="true"/>`), "xml-attribute", "Patient.active", ""},
		{"xml:lang on an element", wrap(`<active xml:lang="en" value="true"/>`), "xml-attribute", "Patient.active", ""},
		{"prefix of an attribute not bound", wrap(`<active a:b="en" value="true"/>`), "xml-namespace", "Patient.active", ""},
		{"id as an element", wrap(`<name><id value="n"/></name>`), "xml-attribute", "Patient.name[0]", ""},
		{"url as an element", wrap(`<extension><url value="n"/></extension>`), "xml-attribute", "Patient.extension[0]", ""},
		{"element in a primitive", wrap(`<active value="true"><coding/></active>`), "xml-unknown-element", "Patient.active", ""},

		{"boolean 1", wrap(`<active value="1"/>`), "xml-value", "Patient.active", ""},
		{"boolean in capitals", wrap(`<active value="True"/>`), "xml-value", "Patient.active", ""},
		{"boolean with a blank", wrap(`<active value="true "/>`), "xml-value", "Patient.active", ""},
		{"integer with plus", wrap(`<multipleBirthInteger value="+1"/>`), "xml-value", "Patient.multipleBirth", ""},
		{"integer with zero", wrap(`<multipleBirthInteger value="01"/>`), "xml-value", "Patient.multipleBirth", ""},
		{"not a number", `<Observation xmlns="http://hl7.org/fhir"><valueQuantity><value value="NaN"/></valueQuantity></Observation>`, "xml-value", "Observation.value.value", ""},
		{"decimal point alone", `<Observation xmlns="http://hl7.org/fhir"><valueQuantity><value value="1."/></valueQuantity></Observation>`, "xml-value", "Observation.value.value", ""},

		{"contained without a resource", wrap(`<contained/>`), "xml-resource", "Patient.contained[0]", ""},
		{"contained and closed", wrap(`<contained></contained>`), "xml-resource", "Patient.contained[0]", ""},
		{"two in one contained", wrap(`<contained><Device/><Device/></contained>`), "xml-resource", "Patient.contained[0]", ""},
		{"contained of no type", wrap(`<contained><Thing/></contained>`), "xml-resource", "Patient.contained[0]", ""},
		{"contained with an id", wrap(`<contained id="a"><Device/></contained>`), "xml-attribute", "Patient.contained[0]", ""},
		{"fault in a contained", wrap(`<contained><Device/></contained><contained><Device><colour/></Device></contained>`), "xml-unknown-element", "Patient.contained[1]", ""},
		{"fault in an entry", `<Bundle xmlns="http://hl7.org/fhir"><entry><resource><Patient><active value="x"/></Patient></resource></entry></Bundle>`, "xml-value", "Bundle.entry[0].resource.active", ""},

		{"div without its namespace", wrap(`<text><div>x</div></text>`), "xml-narrative", "Patient.text.div", ""},
		{"div of another element", wrap(`<text><p xmlns="http://www.w3.org/1999/xhtml">x</p></text>`), "xml-namespace", "Patient.text", ""},
		{"foreign element in the narrative", wrap(div + `<svg xmlns="http://www.w3.org/2000/svg"/></div></text>`), "xml-narrative", "Patient.text.div", ""},
		{"foreign attribute in the narrative", wrap(div + `<p xmlns:x="urn:x" x:y="z"/></div></text>`), "xml-narrative", "Patient.text.div", ""},
		{"narrative not closed", wrap(div + `<p></div></text>`), "xml-syntax", "Patient.text.div", ""},
		{"narrative cut", wrap(div + "abc")[:120], "xml-end", "Patient.text.div", ""},
		{"]]> in the narrative", wrap(div + `a]]>b</div></text>`), "xml-syntax", "Patient.text.div", ""},
		{"DTD in the narrative", wrap(div + `<!DOCTYPE a></div></text>`), "xml-doctype", "Patient.text.div", ""},
		{"div with a value", wrap(`<text><div value="x"/></text>`), "xml-narrative", "Patient.text.div", ""},
		{"div where none belongs", wrap(`<div xmlns="http://www.w3.org/1999/xhtml"/>`), "xml-namespace", "Patient", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			out, err := xml.ToJSON([]byte(c.xml), r4.Model(), xml.Limits{})
			is := first(t, err)
			if is.Rule != c.rule || is.Path != c.path || !strings.Contains(is.Text, c.where) || out != nil {
				t.Errorf("ToJSON(%s) = %s, %s at %q: %s, want %s at %q, %s", c.xml, out, is.Rule, is.Path, is.Text, c.rule, c.path, c.where)
			}
			if is.Chinese == "" || !strings.HasPrefix(is.Text, "line ") {
				t.Errorf("issue = %+v, want a place and Chinese", is)
			}
		})
	}
}

// A fault names what it is about.
func TestReadNames(t *testing.T) {
	for _, c := range []struct{ xml, want string }{
		{wrap(`<gender value="male"/><active value="true"/>`), `"active" is out of order: it belongs before "gender"`},
		{wrap(`<colour value="red"/>`), `Patient has no element "colour"`},
		{wrap(`<multipleBirthInteger value="1.0.0"/>`), `found "1.0.0", expected a number`},
		{wrap(`<active value="yes"/>`), `found "yes", expected true or false`},
		{wrap(`<language value="` + "&" + strings.Repeat("a", 30) + `;"/>`), `only &amp;`},
	} {
		_, err := xml.ToJSON([]byte(c.xml), r4.Model(), xml.Limits{})
		if is := first(t, err); !strings.Contains(is.Text, c.want) {
			t.Errorf("ToJSON(%s) = %q, want %q in it", c.xml, is.Text, c.want)
		}
	}
}

func TestLimits(t *testing.T) {
	deep := func(n int) string {
		return `<Questionnaire xmlns="http://hl7.org/fhir">` + strings.Repeat(`<item><linkId value="1"/>`, n) + strings.Repeat(`</item>`, n) + `</Questionnaire>`
	}
	many := wrap(`<name>` + strings.Repeat(`<given value="a"/>`, 100) + `</name>`)
	for _, c := range []struct {
		name, xml string
		lim       xml.Limits
		rule      string
	}{
		{"depth", deep(31), xml.Limits{}, ""},
		{"depth of a value", strings.Replace(deep(31), `<linkId value="1"/></item>`, `<linkId value="1"/><code><code value="c"/></code></item>`, 1), xml.Limits{Depth: 65}, ""},
		{"one too deep", deep(32), xml.Limits{}, "xml-limit"},
		{"too deep", deep(100_000), xml.Limits{}, "xml-limit"},
		{"too deep, contained", wrap(strings.Repeat(`<contained><Patient>`, 100_000)), xml.Limits{}, "xml-limit"},
		{"narrative depth", wrap(div + strings.Repeat("<b>", 99) + strings.Repeat("</b>", 99) + "</div></text>"), xml.Limits{}, ""},
		{"narrative too deep", wrap(div + strings.Repeat("<b>", 100_000)), xml.Limits{}, "xml-limit"},
		{"bytes", many, xml.Limits{Bytes: len(many)}, ""},
		{"too many bytes", many, xml.Limits{Bytes: len(many) - 1}, "xml-limit"},
		{"nodes", many, xml.Limits{Nodes: 210}, ""},
		{"too many nodes", many, xml.Limits{Nodes: 100}, "xml-limit"},
		{"too many nodes at the end", wrap(`<active value="true"/>`), xml.Limits{Nodes: 2}, "xml-limit"},
		{"attributes", `<Patient xmlns="http://hl7.org/fhir" xmlns:a="urn:a"/>`, xml.Limits{Attributes: 2}, ""},
		{"too many attributes", `<Patient xmlns="http://hl7.org/fhir" xmlns:a="urn:a"/>`, xml.Limits{Attributes: 1}, "xml-limit"},
		{"too many namespaces", wrap(div + strings.Repeat(`<b xmlns:a="urn:a">`, 80)), xml.Limits{}, "xml-limit"},
		{"attributes without end", `<Patient` + strings.Repeat(` a="b"`, 100_000) + `/>`, xml.Limits{}, "xml-attribute"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := xml.ToJSON([]byte(c.xml), r4.Model(), c.lim)
			switch {
			case c.rule == "" && err != nil:
				t.Errorf("ToJSON = %v, want it read", err)
			case c.rule != "" && first(t, err).Rule != c.rule:
				t.Errorf("ToJSON = %v, want %s", err, c.rule)
			}
		})
	}
}

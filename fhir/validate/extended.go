package validate

// https://hl7.org/fhir/R4/extensibility.html

import (
	"fmt"
	"slices"
	"strings"

	"tenon/fhir/issue"
	"tenon/fhir/tree"
)

// extended judges an extension by its definition: that it is known, may stand
// here, is or is not a modifier, and has the value that it may have. The
// extension is the value in hand.
func (w *walker) extended(n tree.Node) {
	url := n.Field("url").Str()
	if url == "" {
		return
	}
	modifier := w.frames[len(w.frames)-1].name == "modifierExtension"
	if !strings.Contains(url, ":") {
		w.part(url)
		return
	}
	if !w.o.ExampleURLs && isExample(url) {
		w.exampleURL(url)
	}
	p := w.set.profile(url)
	if p == nil {
		w.unknownExtension(url, modifier)
		return
	}
	p.ready(w.set)
	if p.typ == nil || !p.typ.Is("Extension") {
		w.add(issue.Extension, "extension-definition", fmt.Sprintf("%s defines no extension", quote(url)), fmt.Sprintf("%s 定义的不是扩展", quote(url)))
		return
	}
	if p.use != nil {
		w.stands(n, p, modifier)
	}
	w.conform(value{node: n, typ: p.typ}, p)
}

// part judges the url of an extension within an extension, which is a name.
func (w *walker) part(url string) {
	if i := len(w.frames) - 2; i >= 0 && w.frames[i].typ != nil && w.frames[i].typ.Is("Extension") {
		w.partOf(url, w.frames[i].node.Field("url").Str())
		return
	}
	w.add(issue.Extension, "extension-url", fmt.Sprintf("found the url %s, expected an absolute URL", quote(url)), fmt.Sprintf("扩展的 url 为 %s，应为绝对网址", quote(url)))
}

// partOf wants a part to be one that the extension's definition names.
func (w *walker) partOf(name, whole string) {
	if !strings.Contains(whole, ":") {
		return // a part of a part: its slices judge it
	}
	p := w.set.profile(whole)
	if p == nil {
		return
	}
	if p.ready(w.set); p.use == nil || len(p.use.parts) == 0 || slices.Contains(p.use.parts, name) {
		return
	}
	w.add(issue.Extension, "extension-part", fmt.Sprintf("the extension %s has no part %s, only %s", quote(whole), quote(name), some(p.use.parts)),
		fmt.Sprintf("扩展 %s 没有名为 %s 的部分，只有 %s", quote(whole), quote(name), some(p.use.parts)))
}

func isExample(url string) bool {
	_, host, _ := strings.Cut(url, "://")
	host, _, _ = strings.Cut(host, "/")
	return host == "example.org" || strings.HasSuffix(host, ".example.org") || host == "acme.com"
}

func (w *walker) exampleURL(url string) {
	if w.o.UnknownExtension != issue.Error {
		return
	}
	w.at("url", func() {
		w.add(issue.Invalid, "example-url", fmt.Sprintf("%s is a URL of an example", quote(url)), fmt.Sprintf("%s 是示例网址", quote(url)))
	})
}

// unknownExtension weighs an extension that nobody here defines.
func (w *walker) unknownExtension(url string, modifier bool) {
	for _, domain := range w.o.ExtensionDomains {
		if domain != "" && strings.HasPrefix(url, domain) {
			return
		}
	}
	if otherVersion(url) || w.o.ExampleURLs && isExample(url) {
		return
	}
	severity := w.o.UnknownExtension
	if severity == "" || ofHL7(url) {
		severity = issue.Warning
	}
	if modifier {
		severity = issue.Error
	}
	w.report(severity, issue.Extension, "extension-unknown", "the extension "+quote(url)+" could not be found: load the package that defines it, or correct the URL",
		"找不到扩展 "+quote(url)+" 的定义：请加载定义它的包，或更正网址")
}

// ofHL7 tells whether HL7 itself publishes the extension. It does so between
// the versions of FHIR too, so that not to know one is no fault of the sender.
func ofHL7(url string) bool {
	return strings.HasPrefix(url, "http://hl7.org/fhir/StructureDefinition/") || strings.HasPrefix(url, "http://hl7.org/fhir/tools/StructureDefinition/")
}

// otherVersion tells whether the extension stands for an element of another
// version of FHIR: http://hl7.org/fhir/5.0/StructureDefinition/extension-…
// https://hl7.org/fhir/R4/versions.html#extensions
func otherVersion(url string) bool {
	rest, ok := strings.CutPrefix(url, "http://hl7.org/fhir/")
	if !ok || len(rest) < 4 || !digit(rest[0]) || rest[1] != '.' || !digit(rest[2]) {
		return false
	}
	return strings.HasPrefix(rest[3:], "/StructureDefinition/extension-")
}

package profiles

import (
	"embed"
	"encoding/json"
	"io/fs"
	"path"
	"strings"

	"tenon/fhir/tree"
)

//go:embed */example/*/valid-*.json
var examples embed.FS

// Example is a resource that follows a profile.
type Example struct {
	Profile string // canonical
	Body    []byte // with an id that no other example of its type has
}

// Examples returns the valid examples of the profiles, in the order of their
// folders and names.
func Examples() []Example {
	var list []Example
	for _, folder := range folders {
		names, err := fs.Glob(examples, folder+"/example/*/valid-*.json")
		if err != nil {
			panic("profiles: " + err.Error())
		}
		for _, name := range names {
			body, err := examples.ReadFile(name)
			if err != nil {
				panic("profiles: " + err.Error()) // embedded: cannot be absent
			}
			profile := path.Base(path.Dir(name))
			id := profile + "-" + strings.TrimSuffix(strings.TrimPrefix(path.Base(name), "valid-"), ".json")
			list = append(list, Example{"urn:tenon:profile:" + profile, withID(body, id)})
		}
	}
	return list
}

// withID gives an example an id of its own and leaves all other bytes.
func withID(body []byte, id string) []byte {
	doc, err := tree.Parse(body)
	if err != nil {
		panic("profiles: " + err.Error())
	}
	start, end := doc.Root().Field("id").Span()
	if !doc.Root().Field("id").Exists() {
		start = strings.IndexByte(string(body), '{') + 1
		return tree.Apply(body, []tree.Edit{{Start: start, End: start, With: []byte(`"id": "` + id + `", `)}})
	}
	return tree.Apply(body, []tree.Edit{{Start: start, End: end, With: []byte(`"` + id + `"`)}})
}

// Guide is the ImplementationGuide of a version of the guide under a package
// name: all its definitions, and an example of each profile.
// https://hl7.org/fhir/R4/implementationguide.html
func Guide(name, version string) ([]byte, error) {
	type object = map[string]any
	var resources []any
	for _, body := range Definitions() {
		at, title, err := titled(body)
		if err != nil {
			return nil, err
		}
		resources = append(resources, object{"reference": object{"reference": at}, "name": title, "exampleBoolean": false})
	}
	for _, x := range Examples() {
		at, _, err := titled(x.Body)
		if err != nil {
			return nil, err
		}
		resources = append(resources, object{"reference": object{"reference": at}, "exampleCanonical": x.Profile})
	}
	chinese := object{"extension": []any{object{"url": "http://hl7.org/fhir/StructureDefinition/translation", "extension": []any{
		object{"url": "lang", "valueCode": "zh"}, object{"url": "content", "valueString": "定制式医疗器械医工交互实施指南"},
	}}}}
	return json.MarshalIndent(object{
		"resourceType": "ImplementationGuide", "id": strings.ReplaceAll(name, ".", "-"), "url": "urn:tenon:guide", "version": version, "name": "Tenon",
		"title": "Tenon: devices made for one patient", "_title": chinese, "status": "active", "publisher": "Tenon", "packageId": name, "fhirVersion": []string{"4.0.1"},
		"dependsOn":  []any{object{"id": "hl7tx", "uri": "http://terminology.hl7.org/ImplementationGuide/hl7.terminology", "packageId": "hl7.terminology.r4", "version": "7.0.1"}},
		"definition": object{"resource": resources},
	}, "", "  ")
}

func titled(body []byte) (reference, title string, err error) {
	doc, err := tree.Parse(body)
	if err != nil {
		return "", "", err
	}
	n := doc.Root()
	if title = n.Field("title").Str(); title == "" {
		title = n.Field("id").Str()
	}
	return n.Field("resourceType").Str() + "/" + n.Field("id").Str(), title, nil
}

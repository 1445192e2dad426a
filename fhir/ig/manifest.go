package ig

// https://hl7.org/fhir/packages.html

import (
	"fmt"
	"slices"
	"strings"

	"tenon/fhir/issue"
	"tenon/fhir/tree"
)

// Reference names a package. As a dependency its Version may be a pattern
// ("4.0.x") or a tag ("current", "latest", "dev").
type Reference struct {
	Name    string // "hl7.fhir.us.core"
	Version string // "6.1.0"
}

// String is "name#version", as definition.Resource.Package wants it.
func (r Reference) String() string { return r.Name + "#" + r.Version }

// Manifest is what package/package.json says.
type Manifest struct {
	Reference
	Title        string
	Canonical    string // what the URLs of its resources begin with; "" if it says none
	FHIRVersions []string
	Dependencies []Reference // by name
}

// readManifest reads package/package.json. Older packages say fhir-version-list
// for fhirVersions.
func readManifest(n tree.Node) (*Manifest, error) {
	m := &Manifest{
		Reference: Reference{clone(n.Field("name")), clone(n.Field("version"))},
		Title:     clone(n.Field("title")), Canonical: clone(n.Field("canonical")),
	}
	switch {
	case !packageName(m.Name):
		return nil, refuse(manifestName+": name", fmt.Sprintf("found the package name %q, expected a name such as hl7.fhir.uv.ips", clip(m.Name)), "包名无效", "package-name")
	case !packageVersion(m.Version):
		return nil, refuse(manifestName+": version", fmt.Sprintf("found the version %q, expected one such as 1.0.0 or 2.1.0-ballot", clip(m.Version)), "包版本无效", "package-version")
	}
	for _, member := range []string{"fhirVersions", "fhir-version-list"} {
		for v := range n.Field(member).Items() {
			if text := clone(v); !slices.Contains(m.FHIRVersions, text) {
				m.FHIRVersions = append(m.FHIRVersions, text)
			}
		}
	}
	return m, m.depends(n.Field("dependencies"))
}

// depends reads the dependencies. "alias@npm:name": "version" and
// "alias": "npm:name@version" ask for a package under another name, which
// changes nothing here: resources are found by their URL.
func (m *Manifest) depends(list tree.Node) error {
	for name, version := range list.Fields() {
		r := Reference{strings.Clone(name), clone(version)}
		if _, real, ok := strings.Cut(r.Name, "@npm:"); ok {
			r.Name = real
		}
		if real, ok := strings.CutPrefix(r.Version, "npm:"); ok {
			r.Name, r.Version, _ = strings.Cut(real, "@")
		}
		if !packageName(r.Name) || r.Version == "" || len(r.Version) > maxVersion {
			return refuse(manifestName+": dependencies", fmt.Sprintf("found the dependency %q: %q, expected a package name and a version", clip(name), clip(r.Version)), "依赖项无效", "package-dependency")
		}
		if !slices.Contains(m.Dependencies, r) {
			m.Dependencies = append(m.Dependencies, r)
		}
	}
	slices.SortFunc(m.Dependencies, compareReferences)
	return nil
}

// maxVersion bounds the length of a version or version pattern.
const maxVersion = 100

// ForR4 tells whether the package is for FHIR R4 (4.0.x); the error says for
// which version it is. A package that names none is judged by the core package
// that it needs.
func (m *Manifest) ForR4() error {
	versions := m.FHIRVersions
	if len(versions) == 0 {
		for _, d := range m.Dependencies {
			if core, ok := coreVersion(d.Name); ok {
				versions = append(versions, core)
			}
		}
	}
	if slices.ContainsFunc(versions, func(v string) bool { return v == "4.0" || strings.HasPrefix(v, "4.0.") }) {
		return nil
	}
	found := "no FHIR version"
	if len(versions) > 0 {
		found = "FHIR " + clip(strings.Join(versions, ", "))
	}
	return issue.Errorf(issue.NotSupported, "%s is for %s; this server takes packages for FHIR R4 (4.0.x). Many guides are published for R4 under a name that ends in .r4.", m, found).
		WithStatus(422).At(manifestName + ": fhirVersions").Rule("package-fhir-version").
		Chinese(fmt.Sprintf("%s 适用于 %s；本服务器只接受 FHIR R4（4.0.x）的包", m, found))
}

// coreVersion is the FHIR version of a core package by its name.
func coreVersion(name string) (version string, ok bool) {
	release, ok := strings.CutPrefix(name, "hl7.fhir.r")
	if !ok {
		return "", false
	}
	release, rest, _ := strings.Cut(release, ".")
	if rest != "core" {
		return "", false
	}
	return map[string]string{"2": "1.0.2", "3": "3.0.2", "4": "4.0.1", "4b": "4.3.0", "5": "5.0.0"}[release], true
}

// packageName follows the grammar of the package specification: lower case
// parts with dots between; npm allows - and _ as well.
func packageName(name string) bool {
	if len(name) > 214 || name == "" || name[0] == '.' || name[len(name)-1] == '.' {
		return false
	}
	return !strings.ContainsFunc(name, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '.' || r == '-' || r == '_')
	})
}

func packageVersion(version string) bool {
	return version != "" && len(version) <= maxVersion && !strings.ContainsFunc(version, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '.' || r == '-' || r == '_' || r == '+')
	})
}

func compareReferences(a, b Reference) int {
	if c := strings.Compare(a.Name, b.Name); c != 0 {
		return c
	}
	return strings.Compare(a.Version, b.Version)
}

// clone copies a text out of a document that will be overwritten.
func clone(n tree.Node) string { return string(n.AppendStr(nil)) }

package casework

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"sync"

	"tenon/fhir/fhirpath"
	"tenon/fhir/tree"
	"tenon/profiles"
)

const (
	systemImage       = "urn:tenon:image"
	systemBodySite    = "urn:tenon:body-site"
	extensionProtocol = extensionPrefix + "protocol"
)

// imaged('slice-thickness pixel-spacing site') holds what the server measured of
// each imaging study (an Observation of urn:tenon:image, over the stored bytes of
// the study) against the protocol of the examination requests of the case:
//
//	slice-thickness pixel-spacing   the greatest is not above the protocol's
//	slice-spacing                   the same, where the protocol has one
//	gantry-tilt                     the stack does not lean
//	missing-slices burned-in        none, and none whose header cannot be read
//	lossy derived                   none, unless the protocol allows them
//	grey-values                     CT images have the rescaling of their values
//	kernel algorithm                one that the protocol names
//	site                            what is shown is, or holds, a site requested
//
// A violation is no. Where nothing is violated but a limit or a measure is
// missing, or the images are not stored here, the answer is empty: not evaluated.
var imagedPredicate = predicate("imaged", 1, "boolean", func(e *evaluation, focus fhirpath.Collection, args []string) (fhirpath.Collection, error) {
	if len(focus) == 0 {
		return nil, nil
	}
	all := conform
	for _, item := range focus {
		study := e.resourceOf(item)
		if study == nil {
			return yes(false), nil
		}
		i := imaging{e: e, study: study, found: e.measuredImages(study), requests: e.named("examination-request")}
		if i.found == nil {
			e.because("The server has measured no images of "+study.Ref()+" as it is now.", "服务器尚无 "+study.Ref()+" 当前版本的影像测量结果。")
			all = worse(all, notEvaluated)
			continue
		}
		for _, aspect := range strings.Fields(args[0]) {
			all = worse(all, i.judge(aspect))
		}
	}
	return all.answer()
})

// measuredImages is the newest measurement that the server made of a study as it is now.
func (v *view) measuredImages(study *Resource) *Resource {
	var newest *Resource
	for i := range v.s.Resources {
		o := &v.s.Resources[i]
		if o.Type != "Observation" || o.Author != writtenByServer || !hasCode(o.Root.Field("code"), systemImage, "geometry") || !aboutDocument(o.Root, study.Ref()) ||
			valueOf(extension(o.Root, extensionSHA256)).Str() != hex.EncodeToString(study.Digest[:]) {
			continue
		}
		if newest == nil || o.Updated.After(newest.Updated) {
			newest = o
		}
	}
	return newest
}

// imaging is one study beside what was requested.
type imaging struct {
	e        *evaluation
	study    *Resource
	found    *Resource // Observation
	requests []*Resource
}

func (i *imaging) judge(aspect string) verdict {
	switch aspect {
	case "slice-thickness", "pixel-spacing":
		return i.atMost(aspect, true)
	case "slice-spacing":
		return i.atMost(aspect, false)
	case "gantry-tilt":
		return i.upright()
	case "missing-slices":
		return i.none(aspect, "unread")
	case "burned-in":
		return i.none(aspect)
	case "lossy", "derived":
		if slices.ContainsFunc(i.protocol(aspect), func(n tree.Node) bool { return valueOf(n).Bool() }) {
			return conform
		}
		return i.none(aspect)
	case "grey-values":
		return i.none("not-rescaled")
	case "kernel", "algorithm":
		return i.oneOf(aspect)
	case "site":
		return i.site()
	}
	return notEvaluated
}

// components are the values measured under a code.
func (i *imaging) components(code string) (found []tree.Node) {
	for c := range i.found.Root.Field("component").Items() {
		if hasCode(c.Field("code"), systemImage, code) {
			found = append(found, c)
		}
	}
	return found
}

// protocol are the parts of that name in the protocols requested.
func (i *imaging) protocol(name string) (found []tree.Node) {
	for _, r := range i.requests {
		for _, p := range extensions(r.Root, extensionProtocol) {
			found = append(found, extensions(p, name)...)
		}
	}
	return found
}

// atMost holds a length against the greatest that every protocol allows.
func (i *imaging) atMost(aspect string, needed bool) verdict {
	limits := i.protocol(aspect)
	if len(limits) == 0 && !needed {
		return conform
	}
	worst := conform
	if len(limits) == 0 {
		i.e.because("No protocol states the greatest "+aspect+".", "检查方案未规定 "+aspect+" 上限。")
		worst = notEvaluated
	}
	for _, part := range i.components(aspect) {
		value, fault := figureOf(part)
		if fault.english != "" {
			i.e.because(fmt.Sprintf("The images of %s do not say their %s.", i.study.Ref(), aspect), fmt.Sprintf("%s 的图像未注明 %s。", i.study.Ref(), aspect))
			worst = notEvaluated
			continue
		}
		for _, limit := range limits {
			allowed, fault := figureOf(limit)
			f, ok := value.in(allowed.unit)
			inside, known := bounds{high: allowed.high}.holds(f)
			switch {
			case fault.english != "" || !ok || !known:
				i.e.because("The protocol's "+aspect+" cannot be compared with what was measured.", "检查方案的 "+aspect+" 无法与测量值比较。")
				worst = notEvaluated
			case !inside:
				i.e.because(fmt.Sprintf("%s has %s of %s, the protocol allows %s.", i.study.Ref(), aspect, value.text, allowed.text),
					fmt.Sprintf("%s 的 %s 为 %s，检查方案允许 %s。", i.study.Ref(), aspect, value.text, allowed.text))
				return nonconform
			}
		}
	}
	return worst
}

// none wants counts of 0; a count that is not there is not known.
func (i *imaging) none(codes ...string) verdict {
	worst := conform
	for _, code := range codes {
		parts := i.components(code)
		if len(parts) == 0 {
			worst = notEvaluated
		}
		for _, part := range parts {
			if n := part.Field("valueInteger").Text(); n != "0" {
				i.e.because(fmt.Sprintf("%s: %s %s.", i.study.Ref(), n, code), fmt.Sprintf("%s：%s 为 %s。", i.study.Ref(), code, n))
				return nonconform
			}
		}
	}
	return worst
}

// upright wants no lean; whether one may be is for a person to say.
func (i *imaging) upright() verdict {
	parts := i.components("gantry-tilt")
	if len(parts) == 0 {
		return notEvaluated
	}
	for _, part := range parts {
		if f, fault := figureOf(part); fault.english != "" || f.high == nil || f.high.Sign() != 0 {
			i.e.because(fmt.Sprintf("The stack of %s leans by %s.", i.study.Ref(), f.text), fmt.Sprintf("%s 的断层堆栈倾斜 %s。", i.study.Ref(), f.text))
			return notEvaluated
		}
	}
	return conform
}

// oneOf wants each word measured to be one of the protocol's. No algorithm is
// "none"; a filter that the images do not say is not known.
func (i *imaging) oneOf(aspect string) verdict {
	var allowed []string
	for _, part := range i.protocol(aspect) {
		allowed = append(allowed, strings.ToUpper(valueOf(part).Str()))
	}
	found := i.components(aspect)
	switch {
	case len(found) == 0 && aspect == "algorithm":
		return conform
	case len(found) == 0 || len(allowed) == 0:
		i.e.because(fmt.Sprintf("The %s of %s is not stated, or no protocol names one.", aspect, i.study.Ref()), fmt.Sprintf("%s 的 %s 未注明，或检查方案未规定。", i.study.Ref(), aspect))
		return notEvaluated
	}
	for _, part := range found {
		if word := part.Field("valueString").Str(); !slices.Contains(allowed, strings.ToUpper(word)) {
			i.e.because(fmt.Sprintf("%s was made with the %s %q, which the protocol does not name.", i.study.Ref(), aspect, word),
				fmt.Sprintf("%s 所用 %s “%s” 不在检查方案之内。", i.study.Ref(), aspect, word))
			return nonconform
		}
	}
	return conform
}

// site wants every image to show a site that was requested, or what holds it.
func (i *imaging) site() verdict {
	var wanted []string
	for _, r := range i.requests {
		for site := range r.Root.Field("bodySite").Items() {
			wanted = append(wanted, codesOf(site, systemBodySite)...)
		}
	}
	found := i.components("site")
	if len(wanted) == 0 || len(found) == 0 || i.none("site-unsaid") != conform {
		i.e.because(fmt.Sprintf("What part of the body %s shows, or was to show, is not stated.", i.study.Ref()), fmt.Sprintf("%s 的检查部位未注明。", i.study.Ref()))
		return notEvaluated
	}
	for _, part := range found {
		shown := part.Field("valueString").Str()
		if !slices.ContainsFunc(wanted, func(site string) bool { return site == shown || slices.Contains(wholes()[site], shown) }) {
			i.e.because(fmt.Sprintf("%s shows %s, requested is %s.", i.study.Ref(), shown, strings.Join(wanted, ", ")), fmt.Sprintf("%s 检查部位为 %s，要求为 %s。", i.study.Ref(), shown, strings.Join(wanted, "、")))
			return nonconform
		}
	}
	return conform
}

// wholes are, for each part of the body, the parts that an image of shows it too.
var wholes = sync.OnceValue(func() map[string][]string {
	all := map[string][]string{}
	for _, body := range profiles.Definitions() {
		doc, err := tree.Parse(body)
		if err != nil || doc.Root().Field("resourceType").Str() != "CodeSystem" || doc.Root().Field("url").Str() != systemBodySite {
			continue
		}
		for concept := range doc.Root().Field("concept").Items() {
			for p := range concept.Field("property").Items() {
				if p.Field("code").Str() == "part-of" {
					all[concept.Field("code").Str()] = append(all[concept.Field("code").Str()], p.Field("valueCode").Str())
				}
			}
		}
	}
	return all
})

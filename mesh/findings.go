package mesh

import (
	"fmt"

	"tenon/fhir/issue"
)

// Issues lists what keeps the model from production as errors and what a
// person should look at as warnings, in English and Chinese. It is empty for a
// sound mesh whose size conforms.
func (r *Report) Issues() []issue.Issue {
	var list []issue.Issue
	switch {
	case r.Body.bounds() || !r.Bounds():
		list = r.Body.issues("", "")
	default: // sound solid by solid: what the whole shows is their contact
		for i := range r.Solids {
			b := &r.Solids[i]
			list = append(list, b.issues(fmt.Sprintf("solid %d %q: ", i+1, b.Name), fmt.Sprintf("第 %d 个实体：", i+1))...)
		}
	}
	switch r.Size {
	case Nonconform:
		list = append(list, r.sizeIssue())
	case NotEvaluated:
		list = append(list, issue.Issue{Severity: issue.Warning, Type: issue.Informational, Rule: "mesh-size",
			Text: "the size was not evaluated: no limits are configured", Chinese: "未配置尺寸范围，未评价尺寸"})
	}
	if r.SelfIntersection == Nonconform {
		list = append(list, issue.Issue{Type: issue.BusinessRule, Rule: "mesh-cut",
			Text:    fmt.Sprintf("%s pairs of triangles meet outside of a common corner or edge, first %d and %d; repair the model", atLeast(r.Cuts, MostCuts), r.FirstCut[0]+1, r.FirstCut[1]+1),
			Chinese: fmt.Sprintf("有 %s 对三角面相交，首对为第 %d 与第 %d 面，请修复模型", atLeast(r.Cuts, MostCuts), r.FirstCut[0]+1, r.FirstCut[1]+1)})
	}
	return list
}

func atLeast(n, most int) string {
	if n >= most {
		return fmt.Sprintf("≥%d", most)
	}
	return fmt.Sprint(n)
}

func (r *Report) sizeIssue() issue.Issue {
	side := r.Box.Size()
	longest := max(side[0], side[1], side[2])
	is := issue.Issue{Type: issue.BusinessRule, Rule: "mesh-size",
		Text:    fmt.Sprintf("the longest side is %.4g mm, the limits are %v mm; check the unit of the model", longest, r.Limits),
		Chinese: fmt.Sprintf("最长边 %.4g mm，超出 %v mm 的范围，请核对模型单位", longest, r.Limits)}
	if r.LikelyUnit != "" {
		is.Text += fmt.Sprintf(" (it would fit in %s)", r.LikelyUnit)
		is.Chinese += fmt.Sprintf("（若单位为 %s 则在范围内）", r.LikelyUnit)
	}
	return is
}

// finding is a defect with its count.
type finding struct {
	count         int
	rule          string
	severity      issue.Severity
	text, chinese string // %d takes the count
}

func (b *Body) issues(prefix, chinesePrefix string) []issue.Issue {
	findings := []finding{
		{b.OpenEdges, "mesh-open", issue.Error, "%d edges belong to one triangle only: the surface has holes", "%d 条边只属于一个三角面：表面有孔洞"},
		{b.CrowdedEdges, "mesh-crowded", issue.Error, "%d edges belong to more than two triangles", "%d 条边属于两个以上三角面"},
		{b.ClashingEdges, "mesh-clashing", issue.Error, "%d edges join triangles that face opposite sides", "%d 条边两侧三角面朝向相反"},
		{b.PinchedVertices, "mesh-pinched", issue.Error, "%d vertices join surfaces in a point only", "%d 个顶点处表面仅以点相连"},
		{b.Inverted, "mesh-inverted", issue.Error, "%d components are turned inside out", "%d 个连通体内外翻转"},
		{b.Nested, "mesh-nested", issue.Error, "%d components lie inside the material of another", "%d 个连通体位于另一实体内部"},
		{b.DuplicateFaces, "mesh-duplicate", issue.Error, "%d triangles repeat another one", "%d 个三角面重复"},
		{b.CollapsedFaces + b.FlatFaces, "mesh-degenerate", issue.Warning, "%d triangles have no area", "%d 个三角面面积为零"},
		{b.Cavities, "mesh-cavity", issue.Information, "%d closed cavities lie inside the material", "材料内部有 %d 个封闭空腔"},
	}
	var list []issue.Issue
	for _, f := range findings {
		if f.count == 0 {
			continue
		}
		is := issue.Issue{Severity: f.severity, Type: issue.BusinessRule, Rule: f.rule,
			Text: prefix + fmt.Sprintf(f.text, f.count), Chinese: chinesePrefix + fmt.Sprintf(f.chinese, f.count)}
		if f.rule == "mesh-open" && len(b.Loops) > 0 {
			l := b.Loops[0]
			is.Text += fmt.Sprintf(" (%d rims, the longest of %d edges and %.4g mm around %.4g, %.4g, %.4g mm)", b.LoopCount, l.Edges, l.Length, l.Centre[0], l.Centre[1], l.Centre[2])
			is.Chinese += fmt.Sprintf("（%d 个边界环，最长 %d 条边、%.4g mm，中心 %.4g, %.4g, %.4g mm）", b.LoopCount, l.Edges, l.Length, l.Centre[0], l.Centre[1], l.Centre[2])
		}
		list = append(list, is)
	}
	if b.Watertight && !b.Outward && b.Inverted == 0 {
		list = append(list, issue.Issue{Type: issue.BusinessRule, Rule: "mesh-outward",
			Text:    prefix + "the inside of a component could not be told: it has no volume or touches another one",
			Chinese: chinesePrefix + "无法判定某连通体的内外：体积为零或与其他连通体接触"})
	}
	return list
}

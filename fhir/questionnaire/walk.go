package questionnaire

import (
	"fmt"

	"tenon/fhir/issue"
	"tenon/fhir/tree"
)

// entry is an item of the response with its place.
type entry struct {
	item tree.Node
	at   *place
}

// items judges the items of a container: the response, a group's item or an
// answer. q is the container's question, nil for the response.
func (k *checker) items(container tree.Node, at *place, q *question, enabled bool) {
	questions := k.form.questions
	if q != nil {
		questions = q.children
	}
	found := k.sort(container, at, q, enabled)
	for _, child := range questions {
		if k.full() || !k.step() {
			return
		}
		k.question(child, container, found[child], at, enabled)
	}
}

// sort finds the question of each item and judges the order.
func (k *checker) sort(container tree.Node, at *place, q *question, enabled bool) map[*question][]entry {
	found := map[*question][]entry{}
	last, i := 0, -1
	for item := range container.Field("item").Items() {
		i++
		link := item.Field("linkId").Str()
		child := k.form.below[position{q, link}]
		switch {
		case link == "" || k.full():
		case child == nil:
			k.stray(item, at, at.item("item", i), link, enabled)
		default:
			if child.order < last {
				k.fail(at, issue.Structure, "questionnaire-order",
					fmt.Sprintf("item[%d] (linkId %s) stands behind one that follows it in the questionnaire: keep the questionnaire's order", i, issue.Quote(link)),
					fmt.Sprintf("item[%d]（linkId %s）的位置与问卷顺序不符，请按问卷的顺序排列", i, issue.Quote(link)))
			}
			last = child.order
			found[child] = append(found[child], entry{item, at.item("item", i)})
		}
	}
	return found
}

// stray judges an item that the questionnaire does not have here.
func (k *checker) stray(item tree.Node, at, here *place, link string, enabled bool) {
	q := k.form.first[link]
	if q == nil {
		k.fail(at, issue.NotFound, "questionnaire-link-unknown",
			fmt.Sprintf("item[%d] has the linkId %s, which the questionnaire does not have", here.index, issue.Quote(link)),
			fmt.Sprintf("item[%d] 的 linkId %s 不在问卷中", here.index, issue.Quote(link)))
		return
	}
	k.fail(at, issue.Structure, "questionnaire-link-misplaced",
		fmt.Sprintf("item[%d] (linkId %s) stands in the wrong place: the questionnaire has it %s", here.index, issue.Quote(link), home(q)),
		fmt.Sprintf("item[%d]（linkId %s）的位置错误，问卷中它位于%s", here.index, issue.Quote(link), homeChinese(q)))
	k.item(q, entry{item, here}, enabled)
}

func home(q *question) string {
	if q.parent == nil {
		return "at the top"
	}
	return "below " + issue.Quote(q.parent.linkID)
}

func homeChinese(q *question) string {
	if q.parent == nil {
		return "最上层"
	}
	return " " + issue.Quote(q.parent.linkID) + " 之下"
}

// question judges all items of one question in a container.
func (k *checker) question(q *question, container tree.Node, found []entry, at *place, enabled bool) {
	on := enabled && k.enabled(q, container)
	if len(found) == 0 {
		if on {
			k.absent(q, at)
		}
		return
	}
	if enabled && !on {
		for _, e := range found {
			k.disabled(q, e)
		}
	}
	if len(found) > 1 && !q.repeats {
		k.fail(at, issue.Invalid, "questionnaire-repeats",
			fmt.Sprintf("found %d items with the linkId %s, which does not repeat: keep one", len(found), issue.Quote(q.linkID)),
			fmt.Sprintf("linkId %s 不可重复，但有 %d 个条目，请只保留一个", issue.Quote(q.linkID), len(found)))
	}
	if on {
		k.occurs(q, found, at)
	}
	for _, e := range found {
		k.item(q, e, on)
	}
	k.options(q, found)
}

// absent judges a question that is enabled and has no item.
func (k *checker) absent(q *question, at *place) {
	least, bounded := count(q.minOccurs)
	if q.required || bounded && least > 0 {
		k.lack(at, issue.Required, "questionnaire-required",
			fmt.Sprintf("there is no item for the required %s %s: answer it", noun(q), issue.Quote(q.linkID)),
			fmt.Sprintf("缺少必填%s %s，请填写", nounChinese(q), issue.Quote(q.linkID)))
	}
}

func noun(q *question) string {
	if q.kind == "group" {
		return "group"
	}
	return "question"
}

func nounChinese(q *question) string {
	if q.kind == "group" {
		return "组"
	}
	return "问题"
}

// occurs judges how often a group is there or a question is answered.
func (k *checker) occurs(q *question, found []entry, at *place) {
	n, what, chinese := len(found), "times", "次"
	if q.kind != "group" {
		n, what, chinese, at = 0, "answers", "个答案", found[0].at
		for _, e := range found {
			n += e.item.Field("answer").Len()
		}
		if n == 0 && q.required && q.kind != "display" {
			k.lack(at, issue.Required, "questionnaire-required",
				fmt.Sprintf("there is no answer to the required question %s: answer it", issue.Quote(q.linkID)),
				fmt.Sprintf("必填问题 %s 没有答案，请填写", issue.Quote(q.linkID)))
			return
		}
	}
	if least, ok := count(q.minOccurs); ok && n < least {
		k.lack(at, issue.Invalid, "questionnaire-min-occurs",
			fmt.Sprintf("found %d %s for %s, expected at least %d", n, what, issue.Quote(q.linkID), least),
			fmt.Sprintf("%s 有 %d %s，应至少 %d %s", issue.Quote(q.linkID), n, chinese, least, chinese))
	}
	if most, ok := count(q.maxOccurs); ok && n > most {
		k.fail(at, issue.Invalid, "questionnaire-max-occurs",
			fmt.Sprintf("found %d %s for %s, expected at most %d", n, what, issue.Quote(q.linkID), most),
			fmt.Sprintf("%s 有 %d %s，应至多 %d %s", issue.Quote(q.linkID), n, chinese, most, chinese))
	}
}

// disabled refuses answers in an item that is not enabled, at it or below.
func (k *checker) disabled(q *question, e entry) {
	if !answered(e.item) {
		return
	}
	k.fail(e.at, issue.Invalid, "questionnaire-not-enabled",
		fmt.Sprintf("found an answer in %s, which is not enabled by its enableWhen: remove it, or correct the answer that it depends on", issue.Quote(q.linkID)),
		fmt.Sprintf("%s 未满足启用条件(enableWhen)却有答案，请删除，或更正其所依赖的答案", issue.Quote(q.linkID)))
}

func answered(item tree.Node) bool {
	if item.Field("answer").Len() > 0 {
		return true
	}
	for child := range item.Field("item").Items() {
		if answered(child) {
			return true
		}
	}
	return false
}

// item judges one item by its question.
func (k *checker) item(q *question, e entry, enabled bool) {
	k.text(q, e)
	answers, nested := e.item.Field("answer"), e.item.Field("item")
	switch q.kind {
	case "group":
		if answers.Exists() {
			k.fail(e.at, issue.Structure, "questionnaire-group-answer",
				"found an answer in a group: put the items of "+issue.Quote(q.linkID)+" directly below it",
				"组内不能有答案，请将 "+issue.Quote(q.linkID)+" 的子条目直接放在其下")
		}
		if enabled && q.required && !nested.Exists() {
			k.lack(e.at, issue.Required, "questionnaire-required",
				"the required group "+issue.Quote(q.linkID)+" holds nothing: answer at least one of its questions",
				"必填组 "+issue.Quote(q.linkID)+" 为空，请至少回答其中一个问题")
		}
		k.items(e.item, e.at, q, enabled)
	case "display":
		if answers.Exists() || nested.Exists() {
			k.fail(e.at, issue.Structure, "questionnaire-display",
				"found an answer or an item in "+issue.Quote(q.linkID)+", which only displays text",
				issue.Quote(q.linkID)+" 仅用于显示文字，不能有答案或子条目")
		}
	default:
		if nested.Exists() {
			k.fail(e.at, issue.Structure, "questionnaire-nested-item",
				"found an item directly below the question "+issue.Quote(q.linkID)+": put it below the answer that it belongs to",
				"问题 "+issue.Quote(q.linkID)+" 下直接有子条目，请放到所属的答案之下")
		}
		k.each(q, e, answers, enabled)
	}
	if enabled {
		k.constraints(e.item, e.at, q)
	}
}

func (k *checker) each(q *question, e entry, answers tree.Node, enabled bool) {
	if n := answers.Len(); n > 1 && !q.repeats {
		k.fail(e.at, issue.Invalid, "questionnaire-repeats",
			fmt.Sprintf("found %d answers to %s, which takes only one", n, issue.Quote(q.linkID)),
			fmt.Sprintf("问题 %s 只允许一个答案，但有 %d 个", issue.Quote(q.linkID), n))
	}
	i := 0
	for answer := range answers.Items() {
		at := e.at.item("answer", i)
		i++
		if k.full() {
			return
		}
		k.answer(q, answer, at)
		if len(q.children) > 0 || answer.Field("item").Exists() {
			k.items(answer, at, q, enabled)
		}
	}
}

// text wants the questionnaire's wording, in the original or a translation.
func (k *checker) text(q *question, e entry) {
	said := e.item.Field("text").Str()
	if said == "" || said == q.node.Field("text").Str() {
		return
	}
	for ext := range q.node.Field("_text").Field("extension").Items() {
		for part := range ext.Field("extension").Items() {
			if ext.Field("url").Str() == extension+"translation" && part.Field("valueString").Str() == said {
				return
			}
		}
	}
	k.fail(e.at, issue.Invalid, "questionnaire-text",
		fmt.Sprintf("found the text %s, but the questionnaire asks %s", issue.Quote(said), issue.Quote(q.node.Field("text").Str())),
		fmt.Sprintf("文字为 %s，而问卷中为 %s", issue.Quote(said), issue.Quote(q.node.Field("text").Str())))
}

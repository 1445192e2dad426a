package questionnaire_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Documents that would take squares of their size: each is judged within a
// second on a slow core, or refused as too large.
func TestWorkIsBounded(t *testing.T) {
	const n = 10_000
	repeat := func(format string) string {
		var b strings.Builder
		for i := range n {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteString(strings.ReplaceAll(format, "#", strconv.Itoa(i)))
		}
		return b.String()
	}
	group := `'item':[{'linkId':'g','type':'group','repeats':true,'item':[` + repeat(`{'linkId':'q#','type':'string'}`) + `]}]`
	manyGroups := `'item':[` + repeat(`{'linkId':'g','item':[{'linkId':'q#','answer':[{'valueString':'x'}]}]}`) + `]`
	asking := `'item':[{'linkId':'a','type':'string','repeats':true},` + repeat(`{'linkId':'q#','type':'string','enableWhen':[{'question':'a','operator':'=','answerString':'y'}]}`) + `]`
	options := `'item':[{'linkId':'a','type':'choice','repeats':true,'answerOption':[` + repeat(`{'valueCoding':{'code':'c#'}}`) + `]}]`
	for _, c := range []struct {
		name, form, response string
		tooLarge             bool
	}{
		{"flat", `'item':[` + repeat(`{'linkId':'q#','type':'string','required':true}`) + `]`, `'item':[` + repeat(`{'linkId':'q#','answer':[{'valueString':'x'}]}`) + `]`, false},
		{"every item unknown", `'item':[{'linkId':'a','type':'string'}]`, `'item':[` + repeat(`{'linkId':'q#'}`) + `]`, false},
		{"groups by questions", group, manyGroups, true},
		{"conditions by answers", asking, `'item':[{'linkId':'a','answer':[` + repeat(`{'valueString':'x'}`) + `]}]`, true},
		{"options by answers", options, `'item':[{'linkId':'a','answer':[` + repeat(`{'valueCoding':{'code':'d#'}}`) + `]}]`, true},
		{"one linkId for all", `'item':[` + repeat(`{'linkId':'q','type':'string','enableWhen':[{'question':'q','operator':'exists','answerBoolean':true}]}`) + `]`, `'item':[` + repeat(`{'linkId':'q','answer':[{'valueString':'x'}]}`) + `]`, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			start := time.Now()
			got := check(t, "completed", c.form, c.response)
			if took := time.Since(start); took > 5*time.Second {
				t.Errorf("took %v", took)
			}
			if len(got) > 510 {
				t.Errorf("reported %d issues", len(got))
			}
			refused := strings.Contains(strings.Join(got, "\n"), "error questionnaire-too-large")
			if full := len(got) >= 500; refused != c.tooLarge && !full {
				t.Errorf("refused as too large = %v (%d issues), want %v", refused, len(got), c.tooLarge)
			}
		})
	}
}

func TestDeepItems(t *testing.T) {
	form, response := `{'linkId':'q0','type':'string'}`, `{'linkId':'q0','answer':[{'valueInteger':1}]}`
	for i := 1; i <= 14; i++ {
		form = fmt.Sprintf(`{'linkId':'q%d','type':'group','item':[%s]}`, i, form)
		response = fmt.Sprintf(`{'linkId':'q%d','item':[%s]}`, i, response)
	}
	want := "error questionnaire-answer-type " + strings.Repeat(".item[0]", 15) + ".answer[0].value"
	if got := check(t, "completed", `'item':[`+form+`]`, `'item':[`+response+`]`); len(got) != 1 || got[0] != want {
		t.Errorf("Check of deep items = %q, want %q", got, want)
	}
}

// A number of a huge exponent fills no memory.
func TestHugeNumbers(t *testing.T) {
	form := with(ext+`minValue','valueDecimal':1},`+ext+`questionnaire-sliderStepValue','valueInteger':1},`+ext+`maxDecimalPlaces','valueInteger':400}`, `'type':'decimal'`)
	for _, n := range []string{"1e999999999", "1e-999999999", "-1e2147483648", strings.Repeat("9", 5000)} {
		if got := check(t, "completed", form, said(`{'valueDecimal':`+n+`}`)); len(got) > 1 {
			t.Errorf("Check of %.20s = %q", n, got)
		}
	}
}

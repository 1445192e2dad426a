package casework

import (
	"math/big"
	"time"
)

// ageAgrees() says that the age that each order states (extension age-at-order, in
// years) is that of the patient on the day of the order, give or take one year
// (clause 5.2.2 c). An order that states none has the age of the birth date.
var ageAgreesPredicate = every("ageAgrees", 0, func(e *evaluation, r *Resource, _ []string) bool {
	patient := e.byRef[e.patient]
	if patient == nil {
		e.because("The case holds no Patient.", "病例中没有患者资源。")
		return false
	}
	first, last, ok := span(patient.Root.Field("birthDate").Str())
	ordered, _, dated := span(r.Root.Field("authoredOn").Str())
	if !ok || !dated {
		e.because("The age cannot be computed: birthDate or authoredOn is missing.", "缺少出生日期或订单日期，无法计算年龄。")
		return false
	}
	said := extension(r.Root, extensionPrefix+"age-at-order")
	if !said.Exists() {
		return true
	}
	stated, good := new(big.Rat).SetString(valueOf(said).Field("value").Text())
	least, most := yearsBetween(last.Add(-time.Nanosecond), ordered)-1, yearsBetween(first, ordered)+1
	if !good || valueOf(said).Field("code").Str() != "a" || stated.Cmp(big.NewRat(int64(least), 1)) < 0 || stated.Cmp(big.NewRat(int64(most), 1)) > 0 {
		e.because(r.Ref()+": the age stated (extension age-at-order, in years, UCUM a) is not that of the birth date.", r.Ref()+"：所载年龄（age-at-order，单位 a）与出生日期不符。")
		return false
	}
	return true
})

// yearsBetween are the full years from a birth to a day.
func yearsBetween(born, at time.Time) int {
	years := at.Year() - born.Year()
	if at.Month() < born.Month() || at.Month() == born.Month() && at.Day() < born.Day() {
		years--
	}
	return years
}

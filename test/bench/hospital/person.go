package hospital

import (
	"fmt"
	"math/rand/v2"
)

// family is a family name in Chinese and Latin letters and its share of a
// hundred.
type family struct {
	han, latin string
	share      int
}

var families = []family{
	{"王", "Wang", 10}, {"李", "Li", 10}, {"张", "Zhang", 10}, {"刘", "Liu", 10}, {"陈", "Chen", 9}, {"杨", "Yang", 8}, {"赵", "Zhao", 8},
	{"黄", "Huang", 8}, {"周", "Zhou", 6}, {"吴", "Wu", 5}, {"欧阳", "Ouyang", 1}, {"", "Müller", 5}, {"", "O'Brien", 5}, {"", "García", 5},
}

var given = [][2]string{
	{"小明", "Xiaoming"}, {"丽", "Li"}, {"国强", "Guoqiang"}, {"秀英", "Xiuying"}, {"伟", "Wei"}, {"芳", "Fang"}, {"建华", "Jianhua"}, {"静", "Jing"}, {"海涛", "Haitao"}, {"玉兰", "Yulan"},
}

// someone is what a person is called.
type someone struct {
	names  string // HumanNames as JSON
	gender string
}

// person is the n-th one: the family name goes by the number, so that shares
// are exact over every hundred.
func person(r *rand.Rand, n int) someone {
	at, f := n*37%100, family{}
	for _, f = range families {
		if at -= f.share; at < 0 {
			break
		}
	}
	g := given[r.IntN(len(given))]
	latin := fmt.Sprintf(`{"use":"usual","text":"%[1]s %[2]s","family":%[1]q,"given":[%[2]q]}`, f.latin, g[1])
	names := "[" + latin + "]"
	if f.han != "" {
		names = fmt.Sprintf(`[{"use":"official","text":"%[1]s%[2]s","family":%[1]q,"given":[%[2]q]},%[3]s]`, f.han, g[0], latin)
	}
	return someone{names, []string{"female", "male"}[r.IntN(2)]}
}

var cities = []string{"上海", "北京", "广州", "成都", "西安", "武汉", "杭州", "南京", "天津", "重庆"}

// patient is the i-th one. Birth dates are spread over 80 years.
func (h *Hospital) patient(i int) []byte {
	r := h.random(2, uint64(i))
	p := person(r, i)
	born := First.AddDate(0, 0, -r.IntN(80*365))
	return fmt.Appendf(nil, `{"resourceType":"Patient","identifier":[{"use":"usual","system":%q,"value":%q}],"active":true,"name":%s,`+
		`"telecom":[{"system":"phone","value":"1%010d","use":"mobile"}],"gender":%q,"birthDate":%q,`+
		`"address":[{"use":"home","text":"%[7]s市中山路%[8]d号","line":["中山路%[8]d号"],"city":%[7]q,"postalCode":"%06[9]d","country":"CN"}],"managingOrganization":{"reference":"Organization/house"}}`,
		MRN, RecordNumber(i), p.names, r.Int64N(1e10), p.gender, born.Format("2006-01-02"), cities[i%len(cities)], 1+r.IntN(999), r.IntN(1e6))
}

// RecordNumber is the MRN of the i-th patient.
func RecordNumber(i int) string { return fmt.Sprintf("M%07d", i) }

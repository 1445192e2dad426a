package search

import (
	"math"
	"math/big"
	"strings"

	"tenon/fhir/tree"
)

// earth is the mean radius in metres (IUGG).
const earth = 6_371_008.8

// nearDistance is meant where a query names none, in metres.
const nearDistance = 50_000

// nearPart is the part of the key under which the third coordinate stands.
const nearPart = "near$z"

// vector is a place as a vector of length 1.
func vector(latitude, longitude float64) (x, y, z float64) {
	a, b := latitude*math.Pi/180, longitude*math.Pi/180
	return math.Cos(a) * math.Cos(b), math.Cos(a) * math.Sin(b), math.Sin(a)
}

// position makes the rows of Location.position: one group of x, y and z.
func (x *indexer) position(p *Parameter, n tree.Node) {
	latitude, ok1 := readDecimal(n.Field("latitude").Text())
	longitude, ok2 := readDecimal(n.Field("longitude").Text())
	if !ok1 || !ok2 {
		return
	}
	a, b, c := vector(latitude.value(), longitude.value())
	z := KeyOf(p.Base, nearPart)
	x.rows.Groups = append(x.rows.Groups, GroupRow{Key: p.Key, Row: NumberRow{Key: p.Key, Low: a, High: b}}, GroupRow{Key: z, Row: NumberRow{Key: z, Low: c, High: c}})
}

// near reads latitude|longitude[|distance[|unit]]; kilometres without a unit.
// https://hl7.org/fhir/R4/location.html#search
func (p *parser) near(_ string, param *Parameter, modifier string, values []string) ([]Clause, error) {
	if modifier != "" {
		return nil, badModifier(param, modifier)
	}
	clause := Near{Key: param.Key, KeyZ: KeyOf(param.Base, nearPart)}
	for _, v := range values {
		point, ok := p.point(strings.Split(v, "|"))
		if !ok {
			return nil, badValue(v, "形式应为 纬度|经度|距离|单位。", "near is latitude|longitude|distance|unit, such as 39.9|116.4|10|km, the unit one of length in UCUM")
		}
		clause.Any = append(clause.Any, point)
	}
	return []Clause{clause}, nil
}

func (p *parser) point(parts []string) (Point, bool) {
	if len(parts) < 2 || len(parts) > 4 {
		return Point{}, false
	}
	latitude, ok1 := readDecimal(parts[0])
	longitude, ok2 := readDecimal(parts[1])
	if !ok1 || !ok2 || math.Abs(latitude.value()) > 90 || math.Abs(longitude.value()) > 180 {
		return Point{}, false
	}
	metres := float64(nearDistance)
	if len(parts) > 2 && parts[2] != "" {
		d, ok := readDecimal(parts[2])
		unit := &canonical{code: "m", factor: big.NewRat(1000, 1)}
		if len(parts) > 3 && parts[3] != "" {
			unit = p.units.reduce(parts[3])
		}
		if !ok || unit == nil || unit.code != "m" || d.value() < 0 {
			return Point{}, false
		}
		metres = unit.of(d)
	}
	x, y, z := vector(latitude.value(), longitude.value())
	// A hair is added so that the place itself is found at a distance of 0.
	return Point{X: x, Y: y, Z: z, Cos: math.Cos(math.Min(metres/earth, math.Pi)) - 1e-15}, true
}

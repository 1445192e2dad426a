// Package questionnaire judges a QuestionnaireResponse by its Questionnaire:
// structure, enabled and required items, answers by type, options, bounds and
// the constraints in FHIRPath that the form itself carries.
//
// What the base definitions say (cardinality, data types, invariants such as
// qrs-1) is not judged again here. Nothing is calculated: initialExpression,
// calculatedExpression and readOnly tell how a form is filled in, not what an
// answer must be. item.definition is not followed.
//
// Where the specification leaves something open, the reference validator's
// judgement is taken:
//
//   - an enableWhen looks at the answers in the nearest group instance that
//     both items lie in; without any answer only exists=false is met;
//   - a bound of reduced precision is its first moment, so 2022-06-30 lies
//     behind a maxValue of 2022-06;
//   - what is missing is an error in a completed or amended response and a
//     warning in one that is in progress, stopped or entered in error; all else
//     counts whatever the status.
//
// Sources:
//
//   - https://hl7.org/fhir/R4/questionnaire.html
//   - https://hl7.org/fhir/R4/questionnaireresponse.html
//   - https://hl7.org/fhir/R4/questionnaire-profiles.html (extensions)
//   - https://hl7.org/fhir/uv/sdc/STU3/expressions.html (constraints, variables)
package questionnaire

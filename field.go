package backstop

// FieldCode says what is wrong with a field, for programs: the console has a text for each in its languages. Callers of the API
// see it, so it does not change.
type FieldCode string

// The codes. The contract lists their parameters (FieldErrorCode).
const (
	FieldAccountName       FieldCode = "account_name"
	FieldAfterOther        FieldCode = "after_other" // another field must be earlier
	FieldBlank             FieldCode = "blank"       // no character is visible
	FieldBlockedToo        FieldCode = "blocked_too" // a country that another list blocks
	FieldBytesMax          FieldCode = "bytes_max"   // too many bytes
	FieldCallbackURL       FieldCode = "callback_url"
	FieldCallbacksOff      FieldCode = "callbacks_off" // the configuration has no signing secret
	FieldCapReached        FieldCode = "cap_reached"   // of a guard
	FieldControlCharacters FieldCode = "control_characters"
	FieldCorrelationTaken  FieldCode = "correlation_taken" // by an earlier send
	FieldCountryCode       FieldCode = "country_code"
	FieldCountryRefused    FieldCode = "country_refused" // by a guard
	FieldCursor            FieldCode = "cursor"
	FieldDaysAheadMax      FieldCode = "days_ahead_max"
	FieldDigits            FieldCode = "digits"
	FieldETag              FieldCode = "etag"
	FieldExclusiveTTL      FieldCode = "exclusive_ttl"    // how long WhatsApp tries is unknown
	FieldExclusiveUnread   FieldCode = "exclusive_unread" // a rule of this type
	FieldExclusiveWait     FieldCode = "exclusive_wait"   // shorter than the time-to-live
	FieldGivenTwice        FieldCode = "given_twice"
	FieldHoursPastMax      FieldCode = "hours_past_max"
	FieldIdempotencyKey    FieldCode = "idempotency_key"
	FieldImpossibleNumber  FieldCode = "impossible_number"
	FieldItemsBetween      FieldCode = "items_between"
	FieldItemsMax          FieldCode = "items_max"
	FieldItemsMin          FieldCode = "items_min"
	FieldLanguageCode      FieldCode = "language_code"
	FieldLengthMax         FieldCode = "length_max" // too many characters
	FieldLengthMin         FieldCode = "length_min"
	FieldLink              FieldCode = "link" // to a file
	FieldMetadataKey       FieldCode = "metadata_key"
	FieldMustBeFuture      FieldCode = "must_be_future"
	FieldMustBePast        FieldCode = "must_be_past"
	FieldNoRuleApplies     FieldCode = "no_rule_applies" // in the recipient's country
	FieldNotFound          FieldCode = "not_found"       // nothing has this id
	FieldNotText           FieldCode = "not_text"        // not UTF-8, or with a NUL character
	FieldNotNull           FieldCode = "not_null"
	FieldOneOf             FieldCode = "one_of"
	FieldOptedOut          FieldCode = "opted_out"
	FieldOuterSpace        FieldCode = "outer_space" // a name begins or ends with a space
	FieldOutsideKey        FieldCode = "outside_key" // the API key is for other policies or accounts
	FieldPattern           FieldCode = "pattern"     // of an account's setting
	FieldPhoneNumber       FieldCode = "phone_number"
	FieldRangeDaysMax      FieldCode = "range_days_max"
	FieldRefused           FieldCode = "refused" // a setting, by the provider
	FieldRequired          FieldCode = "required"
	FieldRulesOrPolicy     FieldCode = "rules_or_policy"  // a send must have one of the two
	FieldSameText          FieldCode = "same_text"        // as an earlier send
	FieldSchema            FieldCode = "schema"           // none of the others
	FieldScopeOfLimited    FieldCode = "scope_of_limited" // an API key with limits cannot have the scope
	FieldSendID            FieldCode = "send_id"
	FieldTaken             FieldCode = "taken"             // a name
	FieldTemplateLanguage  FieldCode = "template_language" // the template has others
	FieldTemplateName      FieldCode = "template_name"
	FieldMessageOrTexts    FieldCode = "message_or_texts"
	FieldTextOrTemplate    FieldCode = "text_or_template"
	FieldTexts             FieldCode = "texts"            // an array or an object of texts
	FieldUnknownTemplate   FieldCode = "unknown_template" // the account has none of this name

	FieldTemplateNotApproved FieldCode = "template_not_approved"
	FieldTemplateParameters  FieldCode = "template_parameters" // it wants others
	FieldTime                FieldCode = "time"
	FieldTimeYears           FieldCode = "time_years" // outside the years that can be stored
	FieldTrunkDigits         FieldCode = "trunk_digits"
	FieldUnknown             FieldCode = "unknown"         // a field or parameter that does not exist
	FieldNoAccount           FieldCode = "no_account"      // the channel has none for the recipient's country
	FieldUnknownAccount      FieldCode = "unknown_account" // or an account of another channel
	FieldUTF16Max            FieldCode = "utf16_max"       // too many code units of UTF-16
	FieldUUID                FieldCode = "uuid"
	FieldVariableMissing     FieldCode = "variable_missing" // a text names it
	FieldVariableSyntax      FieldCode = "variable_syntax"  // a {{ that begins no variable
	FieldVariableUnused      FieldCode = "variable_unused"  // no text names it
	FieldSegmentsMax         FieldCode = "segments_max"     // the SMS needs more
	FieldTemplateForms       FieldCode = "template_forms"   // both forms are given
	FieldOneValue            FieldCode = "one_value"        // an object has exactly one of some fields
	FieldValueBetween        FieldCode = "value_between"
	FieldValueMax            FieldCode = "value_max"
	FieldValueMin            FieldCode = "value_min"
	FieldWholeNumber         FieldCode = "whole_number"   // numbers are encrypted in the database
	FieldWaitOfUnread        FieldCode = "wait_of_unread" // an unread rule must have a wait
	FieldWrongType           FieldCode = "wrong_type"
)

// FieldCodes returns all codes.
func FieldCodes() []FieldCode {
	return []FieldCode{
		FieldAccountName, FieldAfterOther, FieldBlank, FieldBlockedToo, FieldBytesMax, FieldCallbackURL, FieldCallbacksOff,
		FieldCapReached, FieldControlCharacters, FieldCorrelationTaken, FieldCountryCode, FieldCountryRefused, FieldCursor,
		FieldDaysAheadMax, FieldDigits, FieldETag, FieldExclusiveTTL, FieldExclusiveUnread,
		FieldExclusiveWait, FieldGivenTwice, FieldHoursPastMax, FieldIdempotencyKey,
		FieldImpossibleNumber, FieldItemsBetween, FieldItemsMax, FieldItemsMin, FieldLanguageCode, FieldLengthMax,
		FieldLengthMin, FieldLink, FieldMetadataKey, FieldMustBeFuture, FieldMustBePast, FieldNoRuleApplies, FieldNotFound,
		FieldNotText, FieldNotNull, FieldOneOf, FieldOptedOut, FieldOuterSpace, FieldOutsideKey, FieldPattern,
		FieldPhoneNumber, FieldRangeDaysMax, FieldRefused, FieldRequired, FieldRulesOrPolicy, FieldSameText,
		FieldSchema, FieldScopeOfLimited, FieldSendID, FieldTaken,
		FieldTemplateLanguage, FieldTemplateName, FieldTemplateNotApproved, FieldTemplateParameters, FieldUnknownTemplate,
		FieldMessageOrTexts, FieldTextOrTemplate, FieldTexts, FieldTime, FieldTimeYears, FieldTrunkDigits, FieldNoAccount,
		FieldUnknown, FieldUnknownAccount, FieldUTF16Max, FieldUUID, FieldVariableMissing, FieldVariableSyntax,
		FieldVariableUnused, FieldSegmentsMax, FieldTemplateForms, FieldOneValue, FieldValueBetween, FieldValueMax,
		FieldValueMin, FieldWaitOfUnread, FieldWholeNumber, FieldWrongType,
	}
}

// NewField returns a wrong field. The reason is a text, and params are the names and values of the code's parameters, in turn.
func NewField(name string, code FieldCode, reason string, params ...string) Field {
	f := Field{Name: name, Code: code, Reason: reason}
	for i := 0; i+1 < len(params); i += 2 {
		if f.Params == nil {
			f.Params = map[string]string{}
		}
		f.Params[params[i]] = params[i+1]
	}
	return f
}

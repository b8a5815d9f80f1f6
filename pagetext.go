package hecate

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// PageText names one text of the pages that links in letters lead to. docs/settings.md lists them.
type PageText string

// The texts of the pages.
const (
	TextPageProblem PageText = "page_problem" // the title of a page that says what went wrong
	TextPageDone    PageText = "page_done"    // … and of one that says what was done

	TextResetTitle     PageText = "reset_title"
	TextResetAsk       PageText = "reset_ask" // the form for an address
	TextResetAskLabel  PageText = "reset_ask_label"
	TextResetAskButton PageText = "reset_ask_button"
	TextResetSent      PageText = "reset_sent"
	TextResetNoAddress PageText = "reset_no_address"
	TextResetUnknown   PageText = "reset_unknown"
	TextResetInvalid   PageText = "reset_invalid" // the link does not count
	TextResetText      PageText = "reset_text"    // the form for the new password
	TextResetPassword  PageText = "reset_password_label"
	TextResetRepeat    PageText = "reset_repeat_label"
	TextResetButton    PageText = "reset_button"
	TextResetMismatch  PageText = "reset_mismatch"
	TextResetEmpty     PageText = "reset_empty"
	TextResetDone      PageText = "reset_done"

	TextPasswordRefused   PageText = "password_refused"
	TextPasswordTooShort  PageText = "password_too_short"
	TextPasswordUppercase PageText = "password_uppercase_required"
	TextPasswordLowercase PageText = "password_lowercase_required"
	TextPasswordDigit     PageText = "password_digit_required"
	TextPasswordSymbol    PageText = "password_symbol_required"
	TextPasswordExcluded  PageText = "password_excluded_word"
	TextPasswordReused    PageText = "password_reused"

	TextActivateTitle  PageText = "activate_title"
	TextActivateText   PageText = "activate_text"
	TextActivateButton PageText = "activate_button"
	TextActivateDone   PageText = "activate_done"
	TextActivateTaken  PageText = "activate_taken" // a name was taken since the sign-up

	TextConfirmTitle  PageText = "confirm_title"
	TextConfirmText   PageText = "confirm_text"
	TextConfirmButton PageText = "confirm_button"
	TextConfirmDone   PageText = "confirm_done" // somebody has to approve the account yet

	TextVerifyTitle   PageText = "verify_title"
	TextVerifyText    PageText = "verify_text"
	TextVerifyButton  PageText = "verify_button"
	TextVerifyDone    PageText = "verify_done"
	TextVerifyNoUser  PageText = "verify_no_user"
	TextVerifyNoCode  PageText = "verify_no_code"
	TextVerifyInvalid PageText = "verify_invalid"
	TextVerifyChanged PageText = "verify_changed"
	TextVerifyExpired PageText = "verify_expired"

	TextLinkTitle  PageText = "link_title" // of a provider's account
	TextLinkText   PageText = "link_text"
	TextLinkButton PageText = "link_button"

	TextSignInTitle      PageText = "signin_title" // on behalf of a client
	TextSignInText       PageText = "signin_text"
	TextSignInServerText PageText = "signin_server_text" // for an admin
	TextSignInName       PageText = "signin_name_label"
	TextSignInPassword   PageText = "signin_password_label"
	TextSignInButton     PageText = "signin_button"
	TextSignInWrong      PageText = "signin_wrong"
	TextSignInWaits      PageText = "signin_waits" // for a confirmation or approval
	TextSignInTooMany    PageText = "signin_too_many"
	TextSignInNoClient   PageText = "signin_no_client"
	TextSignInNoTarget   PageText = "signin_no_target"

	TextOrganizationTitle PageText = "organization_title"
	TextOrganizationText  PageText = "organization_text"

	TextOrgActivateText PageText = "organization_activate_text" // for those who approve it
	TextOrgActivateDone PageText = "organization_activate_done"
	TextOrgConfirmTitle PageText = "organization_confirm_title" // for its members
	TextOrgConfirmText  PageText = "organization_confirm_text"
	TextOrgConfirmDone  PageText = "organization_confirm_done"

	TextLinkDead       PageText = "link_dead"
	TextTooManyLetters PageText = "too_many_letters"
)

// pageTexts are the texts there are, with the marks that each of them has, no more and no fewer.
var pageTexts = map[PageText][]string{
	TextPageProblem: {"title"}, TextPageDone: {"title"},

	TextResetTitle: nil, TextResetAsk: nil, TextResetAskLabel: nil, TextResetAskButton: nil, TextResetSent: {"address"}, TextResetNoAddress: nil,
	TextResetUnknown: nil, TextResetInvalid: nil, TextResetText: {"address"}, TextResetPassword: nil, TextResetRepeat: nil, TextResetButton: nil,
	TextResetMismatch: nil, TextResetEmpty: nil, TextResetDone: {"address"},

	TextPasswordRefused: {"reason"}, TextPasswordTooShort: {"min"}, TextPasswordUppercase: nil, TextPasswordLowercase: nil, TextPasswordDigit: nil,
	TextPasswordSymbol: nil, TextPasswordExcluded: nil, TextPasswordReused: nil,

	TextActivateTitle: nil, TextActivateText: {"address"}, TextActivateButton: nil, TextActivateDone: {"address"}, TextActivateTaken: nil,
	TextConfirmTitle: nil, TextConfirmText: {"address"}, TextConfirmButton: nil, TextConfirmDone: {"address"},

	TextVerifyTitle: nil, TextVerifyText: nil, TextVerifyButton: nil, TextVerifyDone: nil, TextVerifyNoUser: nil, TextVerifyNoCode: nil,
	TextVerifyInvalid: nil, TextVerifyChanged: nil, TextVerifyExpired: nil,

	TextLinkTitle: nil, TextLinkText: {"provider", "address"}, TextLinkButton: nil,
	TextSignInTitle: nil, TextSignInText: {"app", "target"}, TextSignInServerText: {"target"}, TextSignInName: nil, TextSignInPassword: nil,
	TextSignInButton: nil, TextSignInWrong: nil, TextSignInWaits: nil, TextSignInTooMany: nil, TextSignInNoClient: nil, TextSignInNoTarget: nil,
	TextOrgActivateText: {"org"}, TextOrgActivateDone: {"org"}, TextOrgConfirmTitle: nil, TextOrgConfirmText: {"org"}, TextOrgConfirmDone: {"org"},
	TextOrganizationTitle: nil, TextOrganizationText: nil, TextLinkDead: nil, TextTooManyLetters: nil,
}

// PageTextNames lists the texts there are, in order.
func PageTextNames() []PageText { return slices.Sorted(maps.Keys(pageTexts)) }

// PageTexts are an app's own texts, by language and name. Languages are in lower case; see Canonical.
type PageTexts map[string]map[PageText]string

// The limits of an app's own texts.
const (
	maxPageLanguages = 50
	maxPageText      = 500 // characters
	maxPageTexts     = 128 << 10
)

// Canonical is a copy with the languages in the form in which Check wants them, without those that have no texts; nil where nothing is left.
// Kinds: Invalid on the path of a language that is there twice, below path.
func (t PageTexts) Canonical(path string) (PageTexts, error) {
	var out PageTexts
	for _, language := range slices.Sorted(maps.Keys(t)) {
		if len(t[language]) == 0 {
			continue
		}
		if out == nil {
			out = PageTexts{}
		}
		lower := strings.ToLower(language)
		if out[lower] != nil {
			return nil, E(Invalid, "page texts").On(path + "." + language).Says("the language is there twice")
		}
		out[lower] = maps.Clone(t[language])
	}
	return out, nil
}

// Clone is a copy that shares nothing with t; it is never nil.
func (t PageTexts) Clone() PageTexts {
	out := make(PageTexts, len(t))
	for language, texts := range t {
		out[language] = maps.Clone(texts)
	}
	return out
}

// Check returns nil when an app may have these texts. Kinds: Invalid on "<path>.<language>" or "<path>.<language>.<name>", TooLarge on path.
func (t PageTexts) Check(path string) error {
	const op = "page texts"
	if len(t) > maxPageLanguages {
		return E(TooLarge, op).On(path).With("max", maxPageLanguages).Says(fmt.Sprintf("at most %d languages", maxPageLanguages))
	}
	size := 0
	for _, language := range slices.Sorted(maps.Keys(t)) {
		if !IsLanguage(language) || language != strings.ToLower(language) {
			return E(Invalid, op).On(path + "." + language).Says("want a language such as en or de-at")
		}
		for _, name := range slices.Sorted(maps.Keys(t[language])) {
			if err := name.Check(t[language][name]); err != nil {
				return E(Invalid, op).On(fmt.Sprintf("%s.%s.%s", path, language, name)).Because(err)
			}
			size += len(t[language][name])
		}
	}
	if size > maxPageTexts {
		return E(TooLarge, op).On(path).With("max", maxPageTexts).Says(fmt.Sprintf("at most %d bytes of texts", maxPageTexts))
	}
	return nil
}

// pageMark is a place in a text that is filled in when the page is shown.
var pageMark = regexp.MustCompile(`\{[^{}]*\}`)

// Check returns nil when a text may stand where the name says; the error says what is wrong with it.
func (n PageText) Check(text string) error {
	marks, known := pageTexts[n]
	switch {
	case !known:
		return errors.New("there is no text of this name")
	case strings.TrimSpace(text) == "":
		return errors.New("the text is empty")
	case !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl):
		return errors.New("one line of text, without control characters")
	case utf8.RuneCountInString(text) > maxPageText:
		return fmt.Errorf("at most %d characters", maxPageText)
	}
	found := pageMark.FindAllString(text, -1)
	for _, mark := range marks {
		if !slices.Contains(found, "{"+mark+"}") {
			return fmt.Errorf("the mark {%s} is missing", mark)
		}
	}
	for _, mark := range found {
		if !slices.Contains(marks, mark[1:len(mark)-1]) {
			return fmt.Errorf("%s is no mark of this text", mark)
		}
	}
	return nil
}

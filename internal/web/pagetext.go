package web

import "hecate"

const english = "en"

// pageLanguages are the built-in texts of the pages. English has every text; docs/settings.md shows them.
var pageLanguages = map[string]map[hecate.PageText]string{
	english: {
		hecate.TextPageProblem: "Error: {title}",
		hecate.TextPageDone:    "Done: {title}",

		hecate.TextResetTitle:     "Reset password",
		hecate.TextResetAsk:       "Enter your email address or username, and you will get an email with a link to choose a new password.",
		hecate.TextResetAskLabel:  "Email or username",
		hecate.TextResetAskButton: "Send",
		hecate.TextResetSent:      "An email with instructions for a new password was sent to {address}",
		hecate.TextResetNoAddress: "Please enter an email address or a username.",
		hecate.TextResetUnknown:   "This address is not known here.",
		hecate.TextResetInvalid:   "This link is not valid. Please ask for a new one.",
		hecate.TextResetText:      "Enter your new password for {address}.",
		hecate.TextResetPassword:  "New password",
		hecate.TextResetRepeat:    "The same password again",
		hecate.TextResetButton:    "Set password",
		hecate.TextResetMismatch:  "The passwords are not the same.",
		hecate.TextResetEmpty:     "Please enter a password.",
		hecate.TextResetDone:      "The new password is set for {address}",

		hecate.TextPasswordRefused:   "The password was not accepted: {reason}",
		hecate.TextPasswordTooShort:  "at least {min} characters",
		hecate.TextPasswordUppercase: "at least one upper-case letter",
		hecate.TextPasswordLowercase: "at least one lower-case letter",
		hecate.TextPasswordDigit:     "at least one digit",
		hecate.TextPasswordSymbol:    "at least one special character",
		hecate.TextPasswordExcluded:  "it contains a word that is too simple",
		hecate.TextPasswordReused:    "it was used before",

		hecate.TextActivateTitle:  "Activate account",
		hecate.TextActivateText:   "Activate the account {address}?",
		hecate.TextActivateButton: "Activate",
		hecate.TextActivateDone:   "The account {address} has been activated.",
		hecate.TextActivateTaken:  "Somebody has this name or this address by now. If it is you, sign in. If not, sign up again with another one.",

		hecate.TextConfirmTitle:  "Confirm account",
		hecate.TextConfirmText:   "Confirm that {address} is the address of your account?",
		hecate.TextConfirmButton: "Confirm",
		hecate.TextConfirmDone:   "The address {address} has been confirmed. You will get an email as soon as the account can be used.",

		hecate.TextVerifyTitle:   "Verify your account",
		hecate.TextVerifyText:    "Press the button to confirm that this address is yours.",
		hecate.TextVerifyButton:  "Verify",
		hecate.TextVerifyDone:    "Your address is confirmed.",
		hecate.TextVerifyNoUser:  "This link is not complete.",
		hecate.TextVerifyNoCode:  "This link is not complete.",
		hecate.TextVerifyInvalid: "This link is not valid. It may have been used already, or a newer one has been sent.",
		hecate.TextVerifyChanged: "Your account has another address by now. Please ask for a new link.",
		hecate.TextVerifyExpired: "This link is too old. Please ask for a new one.",

		hecate.TextLinkTitle: "Link your account?",
		hecate.TextLinkText: "Your account at {provider} becomes a way to sign in to the account of {address} here. " +
			"If that is not you, close this page.",
		hecate.TextLinkButton: "Link",

		hecate.TextOrganizationTitle: "Activate organization",
		hecate.TextOrganizationText:  "Organizations are active from the start: there is nothing to do.",
		hecate.TextOrgActivateText:   "Activate the organization {org}? Its members can use it then.",
		hecate.TextOrgActivateDone:   "The organization {org} has been activated.",
		hecate.TextOrgConfirmTitle:   "Confirm organization",
		hecate.TextOrgConfirmText:    "Confirm that you registered the organization {org}?",
		hecate.TextOrgConfirmDone:    "The organization {org} has been confirmed. You will get an email as soon as it can be used.",

		hecate.TextLinkDead:       "This link is not valid. It may have been used already, or a newer one has been sent.",
		hecate.TextTooManyLetters: "Too many emails have been sent to this address. Please try again later.",
	},
	"de": {
		hecate.TextPageProblem: "Fehler: {title}",
		hecate.TextPageDone:    "Fertig: {title}",

		hecate.TextResetTitle:     "Passwort zurücksetzen",
		hecate.TextResetAsk:       "Geben Sie Ihre E-Mail-Adresse oder Ihren Benutzernamen ein. Sie bekommen dann eine E-Mail mit einem Link zu einem neuen Passwort.",
		hecate.TextResetAskLabel:  "E-Mail oder Benutzername",
		hecate.TextResetAskButton: "Senden",
		hecate.TextResetSent:      "Eine E-Mail mit der Anleitung zum Zurücksetzen wurde gesendet an {address}",
		hecate.TextResetNoAddress: "Keine E-Mail-Adresse angegeben, bitte versuchen Sie es noch einmal.",
		hecate.TextResetUnknown:   "Diese E-Mail-Adresse kennen wir nicht, bitte versuchen Sie es noch einmal.",
		hecate.TextResetInvalid:   "Dieser Link ist nicht gültig. Bitte fordern Sie einen neuen an.",
		hecate.TextResetText:      "Geben Sie das neue Passwort für {address} ein.",
		hecate.TextResetPassword:  "Neues Passwort",
		hecate.TextResetRepeat:    "Dasselbe Passwort noch einmal",
		hecate.TextResetButton:    "Passwort setzen",
		hecate.TextResetMismatch:  "Die Passwörter sind nicht gleich, bitte versuchen Sie es noch einmal.",
		hecate.TextResetEmpty:     "Kein Passwort angegeben, bitte versuchen Sie es noch einmal.",
		hecate.TextResetDone:      "Das neue Passwort wurde gesetzt für {address}",

		hecate.TextPasswordRefused:   "Das Passwort wurde nicht angenommen: {reason}",
		hecate.TextPasswordTooShort:  "mindestens {min} Zeichen",
		hecate.TextPasswordUppercase: "mindestens ein Großbuchstabe",
		hecate.TextPasswordLowercase: "mindestens ein Kleinbuchstabe",
		hecate.TextPasswordDigit:     "mindestens eine Ziffer",
		hecate.TextPasswordSymbol:    "mindestens ein Sonderzeichen",
		hecate.TextPasswordExcluded:  "kein zu einfaches Wort",
		hecate.TextPasswordReused:    "keines der letzten Passwörter",

		hecate.TextActivateTitle:  "Konto freischalten",
		hecate.TextActivateText:   "Das Konto {address} freischalten?",
		hecate.TextActivateButton: "Freischalten",
		hecate.TextActivateDone:   "Das Konto {address} ist freigeschaltet.",
		hecate.TextActivateTaken:  "Diesen Namen oder diese Adresse hat inzwischen jemand. Wenn Sie das sind, melden Sie sich an. Sonst registrieren Sie sich bitte noch einmal mit einem anderen.",

		hecate.TextConfirmTitle:  "Konto bestätigen",
		hecate.TextConfirmText:   "Bestätigen, dass {address} die Adresse Ihres Kontos ist?",
		hecate.TextConfirmButton: "Bestätigen",
		hecate.TextConfirmDone:   "Die Adresse {address} ist bestätigt. Sie bekommen eine E-Mail, sobald das Konto benutzt werden kann.",

		hecate.TextVerifyTitle:   "Adresse bestätigen",
		hecate.TextVerifyText:    "Mit dem Knopf bestätigen Sie, dass diese Adresse Ihre ist.",
		hecate.TextVerifyButton:  "Bestätigen",
		hecate.TextVerifyDone:    "Ihre Adresse ist bestätigt.",
		hecate.TextVerifyNoUser:  "Dieser Link ist nicht vollständig.",
		hecate.TextVerifyNoCode:  "Dieser Link ist nicht vollständig.",
		hecate.TextVerifyInvalid: "Dieser Link ist nicht gültig. Vielleicht wurde er schon benutzt, oder es wurde ein neuerer gesendet.",
		hecate.TextVerifyChanged: "Ihr Konto hat inzwischen eine andere Adresse. Bitte fordern Sie einen neuen Link an.",
		hecate.TextVerifyExpired: "Dieser Link ist abgelaufen. Bitte fordern Sie einen neuen an.",

		hecate.TextLinkTitle: "Konto verbinden?",
		hecate.TextLinkText: "Mit Ihrem Konto bei {provider} kann man sich danach hier am Konto {address} anmelden. " +
			"Wenn das nicht Ihres ist, schließen Sie diese Seite.",
		hecate.TextLinkButton: "Verbinden",

		hecate.TextOrganizationTitle: "Organisation freischalten",
		hecate.TextOrganizationText:  "Organisationen sind von Anfang an freigeschaltet: Es ist nichts zu tun.",
		hecate.TextOrgActivateText:   "Die Organisation {org} freischalten? Ihre Mitglieder können sie dann benutzen.",
		hecate.TextOrgActivateDone:   "Die Organisation {org} ist freigeschaltet.",
		hecate.TextOrgConfirmTitle:   "Organisation bestätigen",
		hecate.TextOrgConfirmText:    "Bestätigen, dass Sie die Organisation {org} angemeldet haben?",
		hecate.TextOrgConfirmDone:    "Die Organisation {org} ist bestätigt. Sie bekommen eine E-Mail, sobald sie benutzt werden kann.",

		hecate.TextLinkDead:       "Dieser Link ist nicht gültig. Vielleicht wurde er schon benutzt, oder es wurde ein neuerer gesendet.",
		hecate.TextTooManyLetters: "An diese Adresse wurden zu viele E-Mails gesendet. Bitte versuchen Sie es später noch einmal.",
	},
}

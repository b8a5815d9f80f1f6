package skygear

import "hecate/internal/web"

// Devices are not kept: nothing is pushed to them. Clients register them all the same, and unregister
// them before they log out, so both are answered as if they were.

// deviceTypes are those that push notifications could have been sent to.
var deviceTypes = map[string]bool{"ios": true, "android": true}

// maxDeviceID bounds what is sent back as it came.
const maxDeviceID = 255

func (a *api) deviceRegister(w *web.Response, _ *web.Request, c *call) error {
	kind, err := c.args.text("type")
	if err != nil {
		return err
	}
	if !deviceTypes[kind] {
		return invalid("unknown device type = "+kind, "type")
	}
	if _, err := c.args.text("device_token"); err != nil {
		return err
	}
	id, err := deviceID(c)
	if err != nil {
		return err
	}
	if id == "" {
		id = randomUUID(a.rand)
	}
	return answerDevice(w, id)
}

func (a *api) deviceUnregister(w *web.Response, _ *web.Request, c *call) error {
	id, err := deviceID(c)
	if err != nil {
		return err
	}
	if id == "" {
		return invalid("empty device id", "id")
	}
	return answerDevice(w, id)
}

func deviceID(c *call) (string, error) {
	id, err := c.args.text("id")
	if err == nil && len(id) > maxDeviceID {
		return "", fail(resourceNotFound, "Device not found")
	}
	return id, err
}

func answerDevice(w *web.Response, id string) error {
	j := newJSON(nil)
	j.Open()
	j.Text("id", id)
	j.Close()
	return answerResult(w, j.Buf)
}

func (a *api) pushMissing(*web.Response, *web.Request, *call) error {
	return fail(unexpectedPushNotificationNotConfigured, "push notification is not configured")
}

func (a *api) notServed(*web.Response, *web.Request, *call) error {
	return fail(notSupported, "subscriptions are not supported")
}

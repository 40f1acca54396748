/** What a package says about itself: what it wants done. */
export const manifestName = 'update.json'
/** Who vouches for it: the detached signatures, beside `update.json`. */
export const signatureName = 'update.sig'
/** What its scripts say, written into the unpacked package. */
export const scriptLogName = 'ota_install.log'

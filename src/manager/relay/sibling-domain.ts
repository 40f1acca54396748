// SPDX-License-Identifier: Apache-2.0
import { isIP } from 'node:net'

/**
 * Domains under which strangers get names of their own: hosting platforms and dynamic DNS. Only those on which a cloud is
 * likely to stand; the full list [publicsuffix.org] would double what an executable bundles, and grow old on a device.
 */
const platforms = [
  'amazonaws.com amazonaws.com.cn elasticbeanstalk.com awsapprunner.com awsglobalaccelerator.com amplifyapp.com cloudfront.net on.aws',
  'azure.com azure.net azurewebsites.net azurecontainer.io azurecontainerapps.io azure-api.net azure-devices.net azurefd.net azureedge.net azurestaticapps.net cloudapp.net trafficmanager.net windows.net',
  'appspot.com run.app web.app firebaseapp.com googleapis.com googleusercontent.com cloudfunctions.net',
  'aliyuncs.com myqcloud.com myhuaweicloud.com appdomain.cloud bluemix.net oraclecloud.com oraclecloudapps.com customer-oci.com openshiftapps.com rhcloud.com',
  'herokuapp.com github.io gitlab.io netlify.app vercel.app pages.dev workers.dev fly.dev onrender.com railway.app ondigitalocean.app digitaloceanspaces.com linodeusercontent.com linode.com scw.cloud ovh.net vultrusercontent.com your-server.de clever-cloud.com platformsh.site cloudfoundry.com cfapps.io deno.dev glitch.me surge.sh repl.co replit.app replit.dev',
  'fastly.net fastlylb.net akamaized.net akamaiedge.net akamaihd.net edgekey.net edgesuite.net cdn77.org b-cdn.net azureedge.us',
  'ngrok.io ngrok.app ngrok.dev ngrok-free.app ngrok-free.dev trycloudflare.com loca.lt ts.net localtunnel.me serveo.net',
  'duckdns.org dyndns.org dyndns.info dyndns.biz dyndns.tv dyndns-ip.com ddns.net ddns.me hopto.org zapto.org sytes.net no-ip.org no-ip.biz no-ip.info myftp.org servebeer.com serveftp.com freedns.org mooo.com dynu.net dynv6.net nsupdate.info myfritz.net synology.me myds.me myqnapcloud.com spdns.de selfhost.eu feste-ip.net goip.de nip.io sslip.io xip.io',
]
  .join(' ')
  .split(' ')

/** Words below a country under which strangers get names of their own (`gouv.fr`); three letters or fewer always count as one. */
const categories = new Set(
  'info name firm store gouv asso arts coop conf govt gove mobi press shop aero school police muni museum parliament tourism health council'.split(
    ' ',
  ),
)
/** Countries that register names below their regions (`tokyo.jp`, `milano.it`), of which there are thousands. */
const regional = new Set(['jp', 'us', 'no', 'it', 'pl', 'ua', 'br'])

/**
 * The domain whose names count as siblings of `host`: its parent, if as far as a small rule can say that it
 * belongs to the same owner; in doubt there is none. Undefined when there is none.
 */
export function siblingDomain(host: string): string | undefined {
  if (isIP(host) !== 0) return undefined
  const labels = host.split('.').slice(1)
  const [name = '', top = ''] = labels.slice(-2)
  const parent = labels.join('.')
  if (labels.length < 2 || labels.includes('')) return undefined
  if (platforms.some(platform => parent === platform || parent.endsWith(`.${platform}`))) return undefined
  const isCountry = top.length === 2 || top.startsWith('xn--')
  // k12.ca.us: a country of regions has public suffixes of three labels too.
  if (isCountry && regional.has(top) && labels.length < 4) return undefined
  if (labels.length > 2) return parent
  const isCategory = isCountry ? name.length <= 3 || categories.has(name) : name.length <= 2
  return isCategory ? undefined : parent
}

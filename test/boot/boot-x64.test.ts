// SPDX-License-Identifier: Apache-2.0
import { bootStory } from './story.ts'

bootStory('x64', 128)

// SPDX-License-Identifier: Apache-2.0
import { bootStory } from './story.ts'

bootStory('arm64', 128)
